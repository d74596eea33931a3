"""A dead letter topic and the topics that letters came from, in memory: one log, transactions, and nothing else."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from confluent_kafka import Message

from kafkalert.engine.deadletter import DeadLetters
from kafkalert.errors import DecodingError, RefusedError
from kafkalert.ops.deadletters.contents import Contents
from kafkalert.ops.deadletters.job import Audience
from kafkalert.ops.deadletters.letter import Letter, read
from kafkalert.ops.deadletters.parcels import NotTakenError, Out, Parcel
from kafkalert.ops.deadletters.reading import Box, Look, OnProgress
from kafkalert.ops.deadletters.writing import Writer
from tests.support.fakes.engine import FakeClock

DEAD = "kafkalert.deadletter"
PARTITIONS = 3


def record(
    key: bytes | None = b"k",
    value: bytes | None = b"v",
    headers: Sequence[tuple[str, Any]] = (),
    *,
    topic: str = "accountentry",
    offset: int = 0,
    time: int = 1_700_000_000_000,
) -> Message:
    """A record as a stage reads it."""
    return Message(
        topic=topic, partition=0, offset=offset, key=key, value=value, headers=[*headers], timestamp=(1, time)
    )


@dataclass
class Cluster:
    """What one cluster holds. `kill`: before or after which write a command is killed, or None."""

    name: str = "dc1"
    letters: list[list[Message]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    landed: list[Out] = field(default_factory=list)
    writes: int = 0
    kill: tuple[int, bool] | None = None
    refused: frozenset[bytes] = frozenset()
    writer: object = None

    def put_away(self, message: Message, code: str = "bad-bytes", *, stage: str = "alerting") -> None:
        """Put a record away, by what stages do it with."""
        dead = DeadLetters(DEAD, stage, cast("Any", self), Counter(), FakeClock())
        dead.put(message, DecodingError(code, "It is bad."))

    def send(self, topic: str, value: bytes | None, key: bytes | None, headers: list[tuple[str, Any]]) -> None:
        """Take what a stage sends to the dead letters."""
        assert topic == DEAD
        self.append(Out(topic, key, value, headers, sum(key or b"") % PARTITIONS))

    def append(self, out: Out) -> None:
        """Write a record."""
        if out.topic != DEAD:
            self.landed.append(out)
            return
        log = self.letters[out.partition]
        headers: Any = [(name, one.encode() if isinstance(one, str) else one) for name, one in out.headers]
        log.append(
            Message(topic=DEAD, partition=out.partition, offset=len(log), key=out.key, value=out.value, headers=headers)
        )

    def box(self) -> Box:
        """What reads the letters."""
        return cast("Box", FakeBox(self))

    def begin(self) -> Writer:
        """What writes; who wrote before is refused from now on."""
        self.writer = FakeWriter(self)
        return cast("Writer", self.writer)

    def names(self) -> Counter[bytes]:
        """The ids of records that landed, how often each."""
        return Counter(cast("bytes", dict(one.headers)["ka-id"]) for one in self.landed)


class FakeBox:
    """See `Box`; nothing expires, and all answers."""

    topic = DEAD

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def contents(self, since: int | None, told: OnProgress, look: Look = lambda *_: None) -> Contents:
        """Read all."""
        del since, told
        contents = Contents(self._cluster.name, DEAD)
        contents.ends = {(DEAD, number): 0 for number in range(PARTITIONS)}
        self._take(contents, look)
        return contents

    def again(self, contents: Contents) -> None:
        """Read what has come since."""
        self._take(contents, lambda *_: None)

    def check(self, topics: Collection[str]) -> None:
        """All are there."""

    def records(self, letters: Iterable[Letter]) -> Iterator[tuple[Letter, Message]]:
        """The records of letters."""
        for letter in sorted(letters, key=lambda one: (one.partition, one.offset)):
            yield letter, self._cluster.letters[letter.partition][letter.offset]

    def _take(self, contents: Contents, look: Look) -> None:
        for (_, number), first in contents.ends.items():
            for message in self._cluster.letters[number][first:]:
                found = read(message, self._cluster.name, ["dc2"])
                contents.take(found)
                if isinstance(found, Letter):
                    look(found, message)
            contents.ends[DEAD, number] = len(self._cluster.letters[number])


class FakeWriter:
    """See `Writer`: all or nothing, and only the last one that began writes."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def write(self, parcels: Sequence[Parcel]) -> None:
        """Write them, unless the command is killed just then."""
        cluster = self._cluster
        if cluster.writer is not self:
            raise RefusedError("Somebody else has begun.")
        records = [one for parcel in parcels for one in parcel.records]
        if any(one.key in cluster.refused for one in records if one.topic != DEAD):
            raise NotTakenError("The cluster does not take it.")
        cluster.writes += 1
        if cluster.kill == (cluster.writes, False):
            raise KeyboardInterrupt
        for one in records:
            cluster.append(one)
        if cluster.kill == (cluster.writes, True):
            raise KeyboardInterrupt

    def close(self) -> None:
        """Let go."""


def audience(asked: Callable[[Sequence[str]], None] = lambda _: None) -> Audience:
    """Somebody who agrees to all, and looks at nothing."""

    @contextmanager
    def progress(_title: str) -> Iterator[OnProgress]:
        yield lambda *_: None

    return Audience(asked, progress)
