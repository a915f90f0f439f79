"""Named rules that turn gold and predicted mentions into counts."""
