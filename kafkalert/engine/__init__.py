"""What all stages share: the runner, its stays on a cluster, the loop, delivery, commits and dead letters."""
