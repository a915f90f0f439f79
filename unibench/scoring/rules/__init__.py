"""The published rules: what each compares and how it counts."""
