"""Datasets drawn small, in the layouts in which the real ones are published or kept."""
