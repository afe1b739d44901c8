"""What is computed from a study's table, `metrics.csv`: contrasts with their intervals, and what they decide. No drawing, no torch."""
