"""Images: sources, stored files, the subset that a run uses, and the views cut from them."""
