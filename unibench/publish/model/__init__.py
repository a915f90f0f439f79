"""What is put into the repository of a model: scores, weights, cards."""
