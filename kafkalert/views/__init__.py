"""How results look: words, tables, colours by verdict; commands, the demo and the dashboard share it. No Kafka."""
