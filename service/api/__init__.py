"""Where HTTP ends: endpoints, documented bodies, and what an error becomes."""
