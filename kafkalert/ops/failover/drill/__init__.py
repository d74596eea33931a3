"""A drill: there and back, watched by canaries, entries of an account that no customer has."""
