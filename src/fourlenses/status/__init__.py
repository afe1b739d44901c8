"""The state of a study, from its files alone.

The scheduler is not asked, so it works wherever the results can be read.
"""
