"""kafkalert: operate a bank's alert pipeline on Kafka."""
