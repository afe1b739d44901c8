"""What findings and decision cards have in common: comparisons, verdicts, words, and the files.

What each lens concludes lies in its folder: `lenses/<lens>/finding.py` and `card.py`.
"""
