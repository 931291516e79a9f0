"""HTTP in, one call down, HTTP out."""
