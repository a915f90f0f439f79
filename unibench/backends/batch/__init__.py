"""The Batch API: submit, leave, come back, collect; for half the price."""
