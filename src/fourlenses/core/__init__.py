"""What everything else stands on: errors, files, randomness, programs. Standard library and what is as light."""
