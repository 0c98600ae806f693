"""Launchers of the real programs that tests run against. Plain functions and context managers; no pytest in here."""
