"""Ports of 127.0.0.1 for brokers that are killed and come back."""

import random
import socket
from collections.abc import Collection

from kafkalert.errors import KafkalertError

HOST = "127.0.0.1"
LOWEST, HIGHEST = 15_000, 32_000
"""Below what Linux and macOS give to outgoing connections. A client that knocks at a dead broker's port in that range
is sooner or later given the very port as its own, is connected to itself, and keeps the broker from coming back."""


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now; a connection that lingers after its close does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def demand_free(port: int, *, hint: str) -> None:
    """Raise KafkalertError if something listens on the port."""
    if not is_free(port):
        raise KafkalertError(f"Port {port} of {HOST} is in use.", hint=hint)


def free_port(taken: Collection[int]) -> int:
    """Return a free port that is not among `taken`. Raises KafkalertError if a thousand tries find none."""
    for _ in range(1000):
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311 - no secret
        if port not in taken and is_free(port):
            return port
    raise KafkalertError(
        f"No free port found between {LOWEST} and {HIGHEST}.", hint="End what listens there, or give --port."
    )
