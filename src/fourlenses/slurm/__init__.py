"""What SLURM says of jobs, and what a study would ask of it."""
