"""Bytes to arrays and back, one file a wire format: no I/O, no HTTP."""
