"""The results dataset: one file a run, aggregates, predictions, checks."""
