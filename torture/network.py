"""Who reaches whom: each kind of client has links of its own to each cluster, so that one of them can be cut alone.

A broker tells its clients where to connect to, so it has a listener for each kind, and tells it the port of that
kind's link.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from threading import Lock
from typing import Final

from kafkalert.sandbox.cleanup import data_folder
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.ports import HOST, free_port
from tests.support.twin import NAMES
from torture.proxy import Link, Proxy

CLIENTS: Final = ("supervisor", "second", "bridge", "operator", "mirror")
"""Two machines with alerting, one with a bridge, an operator's, and the workers that read the other cluster."""


class Network:
    """The links of a sandbox of two clusters, which is up; its brokers are started again to know them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._proxy = Proxy()
        self._lock = Lock()
        self._away: Counter[str] = Counter()
        self._taken: set[int] = set()
        self._links: dict[str, list[Link]] = {}
        self._addresses: dict[str, dict[str, str]] = {client: {} for client in CLIENTS}
        for name in NAMES:
            self._listen(sandbox, name)
            plain = sandbox.connect_url(name)
            beside = self._link(_port(plain))
            self._links[f"operator>{name}"].append(beside)
            self._addresses["operator"][plain] = f"http://{HOST}:{beside.port}"

    def _listen(self, sandbox: Sandbox, name: str) -> None:
        """Have a broker listen for each kind of client."""
        plain = sandbox.bootstrap(name)
        links: dict[str, tuple[int, int]] = {}
        for client in CLIENTS:
            behind = self._free()
            one = self._link(behind)
            links[client] = (behind, one.port)
            self._links[f"{client}>{name}"] = [one]
            self._addresses[client][plain] = f"{HOST}:{one.port}"
        file = data_folder(sandbox.folder) / name / "server.properties"
        sandbox.kill(name)
        file.write_text(listening(file.read_text(encoding="utf-8"), links), encoding="utf-8")
        sandbox.start(name)

    def _link(self, target: int) -> Link:
        return self._proxy.link(self._free(), target)

    def _free(self) -> int:
        port = free_port(self._taken)
        self._taken.add(port)
        return port

    def config(self, plain: Path, client: str) -> Path:
        """A configuration as `plain`, which reaches the clusters by that kind of client's links."""
        text = plain.read_text(encoding="utf-8")
        for one, other in self._addresses[client].items():
            text = text.replace(f'"{one}"', f'"{other}"')
        path = plain.with_name(f"{client}.toml")
        path.write_text(text, encoding="utf-8")
        return path

    def lose(self, names: Collection[str], *, silently: bool) -> None:
        """Cut links, named as `second>dc1`, or have them carry nothing without a word."""
        with self._lock:
            self._away.update(names)
            for one in self._named(names):
                self._proxy.do(one.hang() if silently else one.cut())

    def heal(self, names: Collection[str]) -> None:
        """Have links carry again, unless somebody else has lost them, too."""
        with self._lock:
            self._away.subtract(names)
            for one in self._named([name for name in names if not self._away[name]]):
                self._proxy.do(one.open())

    def _named(self, names: Collection[str]) -> list[Link]:
        return [link for name in names for link in self._links[name]]

    def close(self) -> None:
        """Carry nothing any more."""
        self._proxy.close()


def listening(properties: str, links: Mapping[str, tuple[int, int]]) -> str:
    """A broker's properties with a listener more for each of `links`: where it listens, and what it tells clients."""
    more = {
        "listeners": [f"{name.upper()}://{HOST}:{port}" for name, (port, _) in links.items()],
        "advertised.listeners": [f"{name.upper()}://{HOST}:{told}" for name, (_, told) in links.items()],
    }
    lines = []
    for line in properties.splitlines():
        name, _, value = line.partition("=")
        lines.append(f"{name}={','.join([value, *more.get(name, [])])}")
    protocols = [f"{name.upper()}:PLAINTEXT" for name in ("plaintext", "controller", *links)]
    lines += [
        f"listener.security.protocol.map={','.join(protocols)}",
        "inter.broker.listener.name=PLAINTEXT",
        "num.network.threads=1",  # of each listener
    ]
    return "\n".join(lines) + "\n"


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
