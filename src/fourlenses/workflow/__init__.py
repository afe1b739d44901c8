"""What the rules share and no program needs: the environment of jobs, and parameters of rules."""
