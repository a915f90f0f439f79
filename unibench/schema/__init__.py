"""Types of text, queries, scores, cards and records; strict YAML; JSON lines."""
