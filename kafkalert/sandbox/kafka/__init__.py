"""Apache Kafka as the sandbox runs it: its jars, a Java for them, its brokers."""
