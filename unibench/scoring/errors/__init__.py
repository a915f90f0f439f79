"""What went wrong, mention by mention, and what labels and wordings do to scores."""
