"""How far groups are behind, and whether they get on: `kafkalert lag`."""
