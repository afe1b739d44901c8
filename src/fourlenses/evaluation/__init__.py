"""Linear evaluation of frozen encoders: features, linear probe, label granularity and interval estimates."""
