"""The look of figures, and the parts that several of them share."""
