"""Dead letters: what stages put away, whether it would pass now, and putting it back to where it came from."""
