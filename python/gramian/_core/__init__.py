"""The compiled modules, and typed calls of them."""
