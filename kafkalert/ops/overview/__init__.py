"""A context at a glance: the verdict, and all that `kafkalert status` and the dashboard show."""
