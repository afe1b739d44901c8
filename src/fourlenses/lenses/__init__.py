"""The figures of the four lenses, and what they share. `registry` lists them."""
