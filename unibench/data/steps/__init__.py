"""What is done to passages between the raw files and the prepared set."""
