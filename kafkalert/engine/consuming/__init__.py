"""What a stage reads: membership in a group, where reading begins, how far it is, and what is passed over."""
