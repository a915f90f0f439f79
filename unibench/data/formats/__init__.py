"""Parsers, one for each file format; `registry.py` lists them by name."""
