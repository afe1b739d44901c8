"""Checks that this machine or cluster is fit for a study.

Standard library only: it also runs where the packages are broken.
"""
