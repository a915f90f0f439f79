"""Gold and prediction files in the forms that the field writes."""
