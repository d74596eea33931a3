"""What each screen shows: pure functions from a snapshot to a canvas, of any size from 60x20 on."""
