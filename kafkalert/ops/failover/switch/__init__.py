"""A switch from its order to its outcome, planned or forced; calling it off, and mending what is in its way."""
