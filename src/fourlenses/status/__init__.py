"""Where a study stands, from its files alone: the scheduler is not asked, so it works wherever the results can be read."""
