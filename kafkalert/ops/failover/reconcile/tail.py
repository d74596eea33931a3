"""What is stranded on one cluster: found, carried to the other one, and then passed by the flow that was stopped."""

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Final

from confluent_kafka import Message

from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import Flow
from kafkalert.bus.records.marks import mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.config import names
from kafkalert.config.pipeline import TABLES
from kafkalert.config.sections import Cluster, Settings
from kafkalert.config.stages import readers
from kafkalert.engine.clock import Clock
from kafkalert.errors import DeniedError, OutcomeUnknownError, UnreachableError
from kafkalert.model.moment import moment
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.failover.reconcile.carrying import Carrier
from kafkalert.ops.failover.reconcile.checks import WORKER_SECONDS
from kafkalert.ops.failover.reconcile.equal_rows import Settling
from kafkalert.ops.failover.reconcile.order import Note
from kafkalert.ops.failover.reconcile.records import Records
from kafkalert.ops.failover.reconcile.result import Stranded, Superseded
from kafkalert.ops.failover.reconcile.stranded import Search
from kafkalert.ops.wording import counted

LISTED: Final = 20
"""Superseded rows that are listed."""
_LAST: Final = (names.CUSTOMERACCOUNTENTRY, names.ACCOUNTENTRY)


class Tail:
    """What the source of the stopped `flow` has and its target has not, in `topics`, which both clusters have.

    It is looked for when this is made; `note` is told how that goes on. Raises KafkalertError.

    `carried` counts by topic, `put` rows that were written once more, and `vanished` what was gone before.
    """

    def __init__(self, settings: Settings, flow: Flow, topics: Sequence[str], clock: Clock, note: Note) -> None:
        self._settings, self.flow, self._clock = settings, flow, clock
        self._old, self._new = settings.clusters[flow.source], settings.clusters[flow.target]
        self._worker = Connect(self._new, seconds=WORKER_SECONDS)
        self._tables = frozenset(settings.topic(name) for name in TABLES)
        processed = {topic for spec in readers().values() for topic in spec.topics(settings)}
        self._search = Search(self._old, self._new, topics, self._tables, processed, clock)
        self._confirmed = self._worker.offsets(flow.connector) or {}
        self._found = self._search.find(self._confirmed, _unread(settings, self._old), note)
        self.carried: Counter[str] = Counter()
        self.put = 0
        self.vanished = 0

    @property
    def tables(self) -> Collection[Partition]:
        """Partitions of tables that have rows which may be stranded."""
        return self._found.tables

    def look_again(self) -> None:
        """Read what has come to the target since. Raises KafkalertError."""
        self._search.again(self._found)

    def carry(self, progress: Callable[[str], AbstractContextManager[Note]]) -> None:
        """Carry everything over. Raises KafkalertError."""
        found = self._found
        for batch in self._order_of([partition[0] for partition in found.begin]):
            wanted = {partition: found.to_carry(partition) for partition in found.begin if partition[0] in batch}
            if not any(wanted.values()):
                continue

            def done(partition: Partition, message: Message) -> None:
                self.carried[partition[0]] += 1
                if partition in found.records:
                    found.records[partition].on_new(mark(message, self._new.name))

            with progress(f"Carrying {', '.join(batch)} from {self._old.name} to {self._new.name}") as note:
                carrier = Carrier(self._old, self._new, self._old.name, self._clock)
                gone = carrier.carry(wanted, done, lambda left, note=note: note(f"{counted(left, 'record')} to go"))  # type: ignore[misc]  # bound now
            found.lose(gone)
            self.vanished += sum(map(len, gone.values()))

    def settle(self, catch_up: Callable[[], None]) -> None:
        """Make the tables of both equal; `catch_up` returns once the other flow has carried what is there.

        Raises KafkalertError.
        """
        self.put += Settling(self._search, self._old, self._new, self._clock, catch_up).run(self._found)

    def go_on(self) -> None:
        """Move the flow past all that was looked at, and resume it. Raises KafkalertError."""
        moved: dict[Partition, int | None] = {}
        for partition, end in self._found.end.items():
            at = self._confirmed.get(partition)
            if end == 0 and at is not None:
                moved[partition] = None
            elif end > 0 and at != end - 1:
                moved[partition] = end - 1
        connector = self.flow.connector
        try:
            if moved:
                self._worker.patch_offsets(connector, self.flow.source, moved)
            self._worker.resume(connector)
        except UnreachableError as error:
            raise OutcomeUnknownError(
                f"The worker beside {self.flow.target} did not say whether {connector} was moved past what was "
                "carried, and goes on.",
                hint="`kafkalert mirror status` shows whether it runs.",
            ) from error

    def stranded(self) -> list[Stranded]:
        """By topic what has yet to be carried, or is not, or may have to be; topics without are left out."""
        seen = [self._stranded(topic) for topic in dict.fromkeys(partition[0] for partition in self._found.begin)]
        return [stranded for stranded in seen if stranded.is_stranded or stranded.doubtful or stranded.unseen]

    def superseded(self) -> list[Superseded]:
        """Return the first rows that are not carried, by their place."""
        rows = sorted((partition, row) for partition, key in self._found.tracked() for row in key.superseded())[:LISTED]
        return [
            Superseded(topic, number, row.offset, moment(row.timestamp), self._old.name)
            for (topic, number), row in rows
        ]

    def _stranded(self, topic: str) -> Stranded:
        is_table, superseded = topic in self._tables, 0
        if is_table:
            keys = [
                key for partition, keys in self._found.tables.items() if partition[0] == topic for key in keys.values()
            ]
            times = array("q", (row.timestamp for key in keys for row in key.to_carry()))
            superseded = sum(sum(1 for _ in key.superseded()) for key in keys)
        else:
            times = array("q", self._times(topic))
        oldest, newest = (moment(min(times)), moment(max(times))) if times else (None, None)
        kind = "rows" if is_table else "records"
        marked, marked_at = self._count(topic, Records.marked)
        doubtful, doubtful_at = self._count(topic, Records.doubtful)
        return Stranded(
            topic,
            kind,
            len(times),
            superseded,
            oldest,
            newest,
            source=self._old.name,
            marked=marked,
            marked_at=marked_at,
            doubtful=doubtful,
            doubtful_at=doubtful_at,
            unseen=sum(kept.unseen for partition, kept in self._found.records.items() if partition[0] == topic),
        )

    def _count(self, topic: str, of: Callable[[Records], Sequence[int]]) -> tuple[int, str]:
        """How many records of a topic are among `of`, and where the first of them lies."""
        found = [(number, of(kept)) for (name, number), kept in sorted(self._found.records.items()) if name == topic]
        first = next((f"{topic}[{number}] at {offsets[0]}" for number, offsets in found if offsets), "")
        return sum(len(offsets) for _, offsets in found), first

    def _times(self, topic: str) -> Iterator[int]:
        return (
            time for partition, kept in self._found.records.items() if partition[0] == topic for time in kept.times()
        )

    def _order_of(self, there: Sequence[str]) -> list[list[str]]:
        """Topics in the order in which they are carried, some at once.

        Tables before entries, so that each is alerted by the settings that it met; receipts before messages, so that
        no sender sends what was sent; entries last, as they are worked on at once.
        """
        receipts = {self._settings.topic(name) for name in names.RECEIPTS}
        last = {self._settings.topic(name) for name in _LAST}
        rest = {*there} - self._tables - receipts - last
        return [sorted({*there} & group) for group in (self._tables, receipts, rest, last)]


def _unread(settings: Settings, cluster: Cluster) -> dict[Partition, int]:
    """From where on the stages had not processed a partition of `cluster`, when they left it.

    Without the right to see that, only what lies behind the flow is looked at.
    """
    found: dict[Partition, int] = {}
    with suppress(DeniedError):
        for places in Groups(settings, cluster).committed(map(settings.group, readers())).values():
            found |= {partition: min(offset, found.get(partition, offset)) for partition, offset in places.items()}
    return found
