"""How a run of a stage differs from the configuration."""

from dataclasses import dataclass

from kafkalert.engine.observe.health import LOOPBACK


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How this run of a stage differs from the configuration.

    `until_end`: process what is there now, then end. `http_port`, `http_host`: where to serve health, or None.
    `patience`: seconds for which a cluster may be away, or None for ever.
    """

    until_end: bool = False
    http_port: int | None = None
    http_host: str = LOOPBACK
    patience: float | None = None
