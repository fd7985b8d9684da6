"""A package, so that no other of this name that is installed is taken for it."""
