"""Stored predictions, scored at the levels of another hierarchy."""
