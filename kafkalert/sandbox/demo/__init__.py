"""The demo: a simulated bank's bookings become alerts on a Kafka started for the purpose, and every one is checked."""

from kafkalert.sandbox.demo.play import Demo, Options
from kafkalert.sandbox.demo.score import Loss, Snapshot, Summary

__all__ = ["Demo", "Loss", "Options", "Snapshot", "Summary"]
