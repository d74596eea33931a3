"""Avro: the schemas, the two framings, and bytes to model and back."""
