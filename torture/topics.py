"""What lies on the input topic and in the tables of both clusters, read as it grows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from confluent_kafka import Message

from tests.support.follow import Followed
from tests.support.pipeline import Pipeline
from tests.support.reading import AUTHORISATIONS, ENTRIES, SETTINGS


class Entry(NamedTuple):
    """An entry's record on one cluster; `origin` is the cluster that it was carried from, or empty."""

    id: str
    partition: int
    offset: int
    at: int
    origin: str


class Topics:
    """Entries of both clusters in the order of their partitions, and the last row of each key of the tables."""

    def __init__(self, sites: Mapping[str, Pipeline]) -> None:
        self._entries = {name: Followed(site, ENTRIES) for name, site in sites.items()}
        self._rows = {name: Followed(site, AUTHORISATIONS, SETTINGS) for name, site in sites.items()}
        self._seen: dict[str, list[Entry]] = {name: [] for name in sites}
        self._tables: dict[str, dict[tuple[str, bytes], dict[int, tuple[int, bytes | None]]]] = {
            name: {} for name in sites
        }

    def entries(self, cluster: str) -> list[Entry]:
        """All entries on a cluster so far."""
        self._seen[cluster] += [_entry(one) for one in self._entries[cluster].catch_up()]
        return self._seen[cluster]

    def stranded(self, source: str) -> set[str]:
        """The ids of entries that lie on that cluster, written there, and not on the other."""
        (other,) = self._seen.keys() - {source}
        there = {one.id for one in self.entries(other)}
        return {one.id for one in self.entries(source) if not one.origin} - there

    def stranded_places(self, source: str) -> set[tuple[int, str]]:
        """The same by partition: where one was added, what a source sent again may lie in another one there.

        Reconcile carries that, too, so that both clusters hold the same.
        """
        (other,) = self._seen.keys() - {source}
        there = {(one.partition, one.id) for one in self.entries(other)}
        return {(one.partition, one.id) for one in self.entries(source) if not one.origin} - there

    def native_records(self, cluster: str) -> set[str]:
        """The ids of entries that were written to that cluster itself."""
        return {one.id for one in self.entries(cluster) if not one.origin}

    def on_both(self) -> set[str]:
        """The ids of entries that were written to each of the clusters itself."""
        one, other = self._seen
        return self.native_records(one) & self.native_records(other)

    def table(self, cluster: str) -> dict[tuple[str, bytes], bytes | None]:
        """The last row of each key, as compaction would leave it; of those in two partitions the one of later time."""
        for one in self._rows[cluster].catch_up():
            rows = self._tables[cluster].setdefault((str(one.topic()), bytes(one.key() or b"")), {})
            rows[one.partition() or 0] = one.timestamp()[1], one.value()
        last = {
            key: max((time, partition, value) for partition, (time, value) in rows.items())[2]
            for key, rows in self._tables[cluster].items()
        }
        return {key: value for key, value in last.items() if value is not None}

    def close(self) -> None:
        """Read no more."""
        for one in (*self._entries.values(), *self._rows.values()):
            one.close()


def _entry(message: Message) -> Entry:
    headers: dict[str, Any] = dict(message.headers() or ())
    origin = next((name.rpartition(".")[2] for name in headers if name.startswith("ka-origin.")), "")
    place = (int(message.partition() or 0), int(message.offset() or 0))
    return Entry(headers.get("ka-id", b"").decode(), *place, message.timestamp()[1], origin)
