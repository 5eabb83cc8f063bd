"""Arrays in, predictions out."""
