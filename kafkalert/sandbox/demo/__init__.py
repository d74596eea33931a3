"""The demo: a simulated bank's bookings become alerts on a Kafka started for the purpose, and every one is checked."""

from kafkalert.sandbox.demo.run import Demo, Options
from kafkalert.sandbox.demo.scoreboard import Loss, Snapshot, Summary

__all__ = ["Demo", "Loss", "Options", "Snapshot", "Summary"]
