"""Readers of answers, one module per class of answer format; see docs/models.md."""
