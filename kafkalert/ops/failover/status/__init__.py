"""Where everything runs: heartbeats, instances, groups and the mirror, as an operator is told."""
