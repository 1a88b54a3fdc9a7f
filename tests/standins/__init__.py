"""Small servers that answer as the real ones were recorded to answer."""
