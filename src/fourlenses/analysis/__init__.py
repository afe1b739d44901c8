"""The study's table, `metrics.csv`, and what is computed from it. No drawing, no torch."""
