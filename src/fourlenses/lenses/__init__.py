"""What is drawn of a study's table: a module a figure (`figures` lists them), and what they share, which findings use too."""
