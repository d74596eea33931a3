"""What flows through the pipeline: immutable values, no I/O, the standard library alone."""
