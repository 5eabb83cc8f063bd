"""The service under load: what it is held against, and the load generator."""
