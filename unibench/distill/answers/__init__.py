"""What teachers answer: read, checked against the passage, normalised."""
