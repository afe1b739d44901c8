"""Errors, files, randomness, programs: the ground floor, without torch and pandas."""
