"""Which entry raises which alert: pure functions over the model."""
