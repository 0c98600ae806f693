"""Flows: what a user of the app does, step by step, with what has to come of it."""
