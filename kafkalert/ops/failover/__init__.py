"""Moving what runs from one cluster to the other."""
