"""What README shows of committed studies: one picture, a sentence for each finding."""
