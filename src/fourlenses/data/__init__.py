"""Images: where they come from, how they are stored, which of them a run uses, and the views cut from them."""
