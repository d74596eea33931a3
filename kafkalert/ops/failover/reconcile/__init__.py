"""The return of a cluster after a forced switch: what was stranded on it is carried to the other one."""
