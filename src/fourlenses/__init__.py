__version__ = "0.1.0"  # the one home of it; CITATION.cff repeats it, and a test compares them
