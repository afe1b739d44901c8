"""Whether this machine or cluster is fit for a study. Standard library only: it runs where the packages are broken."""
