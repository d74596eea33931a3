"""The stages of the pipeline: one a file, or a room where it is more than one file holds."""
