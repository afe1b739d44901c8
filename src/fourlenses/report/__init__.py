"""The report of a study: one HTML file, made from what the study's folder has.

It needs neither torch nor matplotlib: tables and records are read, figures are embedded as they
are.
"""
