"""A Report as text: pure functions, except that terminal.py also draws live."""
