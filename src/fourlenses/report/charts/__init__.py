"""Charts of the report as coordinates: the template writes them as inline SVG or as HTML tables."""
