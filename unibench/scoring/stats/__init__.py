"""Uncertainty, comparison and averages of scores."""
