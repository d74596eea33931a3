"""Kafka Connect and its MirrorMaker 2: the client of a worker's REST interface, and what a flow is configured by."""
