"""Records of runs and images as the report shows them: where the numbers come from."""
