"""Outputs of what comes from outside and cannot be read again."""
