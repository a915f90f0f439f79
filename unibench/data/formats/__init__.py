"""Parsers, one for each file format."""
