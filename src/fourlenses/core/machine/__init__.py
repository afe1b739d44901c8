"""What this machine lets a process use: cores, memory, GPUs, a home."""
