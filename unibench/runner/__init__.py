"""Plan a run, ask the model, keep every answer, write the record."""
