"""Tables of runs beside the published figures."""
