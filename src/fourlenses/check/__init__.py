"""What a dataset holds and what is wrong with it, said before anything is trained on it."""
