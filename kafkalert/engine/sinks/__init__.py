"""Work that leaves Kafka: calls to the outside that may take long, or never return."""
