"""Predictions and errors of one or two runs, as pages that work from disk."""
