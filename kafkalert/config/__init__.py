"""kafkalert.toml and the environment, as typed sections."""
