"""`trace`: the path of a booking and its alerts over all hops and both clusters."""
