"""Charts in one visual language, drawn by matplotlib without a display."""
