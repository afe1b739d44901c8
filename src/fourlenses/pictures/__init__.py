"""Pictures of a study's images: what it was trained on, and what its encoders find alike."""
