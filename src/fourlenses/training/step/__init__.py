"""One update of a training: operation by operation, or recorded and replayed."""
