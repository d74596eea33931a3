"""From kafkalert.toml, the environment and flags to settings, with every problem at its place."""
