"""Side by side in one run: what is claimed of speed."""
