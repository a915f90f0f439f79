"""How each model family is asked and read."""
