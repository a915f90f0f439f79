"""From files and Hub datasets to a uniform sample of passages."""
