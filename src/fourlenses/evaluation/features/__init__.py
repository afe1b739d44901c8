"""Features of frozen encoders: extracted, stored on disk, and read by blocks."""
