"""`explain`: why an alert did or did not go out, by the rules, the tables, and what was sent."""
