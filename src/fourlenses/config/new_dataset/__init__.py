"""`make new-dataset`: the files that a dataset begins with, and a first study worth having."""
