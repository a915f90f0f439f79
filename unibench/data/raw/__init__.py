"""Raw files: where they are, what is in archives, and whether they are unchanged."""
