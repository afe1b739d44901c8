"""A study's config: read, checked, and completed from the presets."""
