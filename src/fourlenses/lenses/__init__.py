"""The lenses, a folder each: what it asks for, its figures, findings and captions."""
