"""What a screen that stays open shows: where everything runs, what flows, and whether to act."""
