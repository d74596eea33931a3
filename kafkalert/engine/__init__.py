"""One stage's loop: tables, delivery, commits, dead letters, heartbeat, metrics."""
