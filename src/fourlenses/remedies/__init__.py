"""What to add to a study for a question that its decision card leaves open, and what that costs."""
