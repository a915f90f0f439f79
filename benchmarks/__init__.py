"""Speed and memory, measured beside a peer in the same run; results as data."""
