"""The records of a partition: where they begin and end, what is equal on both clusters, and what cannot be read."""
