"""The flows between the clusters of a context: what they should be, how they are, and how far behind."""
