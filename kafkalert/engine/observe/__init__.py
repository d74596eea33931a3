"""What is seen of a process from outside: heartbeat, probes, metrics, logs, and whether its loop turns."""
