"""Makes what is missing: plans, shows, asks, applies, and lets the same checks judge."""
