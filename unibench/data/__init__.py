"""From raw files to passages with natural-language entity types."""
