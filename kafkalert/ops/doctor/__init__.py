"""`kafkalert doctor`: what is not as it should be, what that means, and what to do."""
