"""From passages with entities to the conversations of a training mixture."""
