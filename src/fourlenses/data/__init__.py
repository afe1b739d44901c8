"""Images in memory and the random views that are taken of them."""
