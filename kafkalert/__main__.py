"""`python -m kafkalert` is `kafkalert`."""

from kafkalert.cli import main

main()
