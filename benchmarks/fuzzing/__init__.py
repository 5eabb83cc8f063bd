"""Request bodies without end, and what must hold of each of them."""
