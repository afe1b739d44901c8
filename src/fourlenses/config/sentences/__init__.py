"""What errors of a config say: what is allowed, in plain words, and what a former key is called."""
