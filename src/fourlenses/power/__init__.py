"""What a study can settle, before anything is trained: the half-width to expect of each interval.

The study's table is written down with the accuracies that are expected, and the analysis of the
finished table is run on it: the same comparisons, by the same formula.
"""
