"""Where groups go on after a switch: exactly, by what both clusters hold, or estimated where one cannot be asked."""
