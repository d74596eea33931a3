"""Bookings under which faults happen, and a look from outside at what is committed meanwhile."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random
from threading import Event, Thread
from time import time
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaException

from kafkalert.bus.clients import close_behind
from kafkalert.model.ids import AlertId
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.pipeline import Pipeline
from tests.support.reading import BY_CUSTOMER, CODEC, OUTBOUND, STATUS, Output, Place, ends


class Load(Thread):
    """Bookings at a rate until stopped. Each burst is a tenth of a second's."""

    def __init__(self, pipeline: Pipeline, per_second: int) -> None:
        super().__init__(name="load", daemon=True)
        self._pipeline = pipeline
        self._burst = max(1, per_second // 10)
        self._halt = Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Send, burst after burst."""
        try:
            while not self._halt.wait(0.1):
                self._pipeline.send(self._burst)
        except BaseException as error:
            self.failure = error
            raise

    def stop(self) -> None:
        """Send no more, and wait until the broker has all of it."""
        self._halt.set()
        self.join(SECONDS)
        assert self.failure is None
        self._pipeline.flush()


class Watch(Thread):
    """Looks all the time whether a committed offset passes an alert that is not on the brokers yet.

    It notes what the group has committed, and then where the outbound topics end; `verify` compares.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(name="watch", daemon=True)
        self._pipeline = pipeline
        self._halt = Event()
        self._source = pipeline.inputs[-1]
        self._looks: list[tuple[dict[Place, int], dict[Place, int]]] = []

    def run(self) -> None:
        """Look, again and again; a broker that is away has nothing to tell.

        A client that asked a broker that hangs may get no answer from it afterwards either; then another one asks.
        """
        client = self._pipeline.client("kafkalert.alerting")
        while not self._halt.wait(0.02):
            look = asked(partial(self._look, client))
            if look is None:
                close_behind(client)
                client = self._pipeline.client("kafkalert.alerting")
            elif not self._looks or self._looks[-1][0] != look[0]:
                self._looks.append(look)
        client.close()

    def _look(self, client: Consumer) -> tuple[dict[Place, int], dict[Place, int]]:
        committed = self._pipeline.committed(client, self._source)  # in this order
        return committed, ends(client, self._pipeline.places(*OUTBOUND))

    def await_commits(self, more: int) -> None:
        """Wait until it has seen so many more commits. On a machine that is busy with others that may take a while."""
        before = len(self._looks)
        seen = wait_until(lambda: len(self._looks) >= before + more, SECONDS)
        assert seen, f"only {len(self._looks) - before} commits were seen\n{self._pipeline.said()}"

    def verify(self, outputs: Sequence[Output]) -> None:
        """Prove that no committed offset was ahead of an alert, in none of the looks that were waited for."""
        self._halt.set()
        self.join(SECONDS)
        assert any(any(committed.values()) for committed, _ in self._looks), "no commit was seen"
        first: dict[str, tuple[Place, int]] = {}
        for one in outputs:
            first.setdefault(one.id, (one.place, one.offset))
        needed = self._needed()
        checked: dict[Place, int] = defaultdict(int)
        for committed, last in self._looks:
            for place, offset in committed.items():
                # Topics only grow: what was there when it was first committed past needs no second look.
                for at in range(checked[place], offset):
                    for needed_id in needed[place][at]:
                        where, position = first[needed_id]
                        assert position < last[where], f"committed {offset} of {place}, alert of {at} not there"
                checked[place] = max(checked[place], offset)

    def _needed(self) -> dict[Place, list[set[AlertId]]]:
        """For each offset of the topic that alerts come from, the alerts that its record has to raise."""
        needed: dict[Place, list[set[AlertId]]] = defaultdict(list)
        for message in self._pipeline.read(self._source):
            headers: dict[str, Any] = dict(message.headers() or ())
            ids: set[AlertId] = set()
            if self._source == BY_CUSTOMER:
                customer = CODEC.decode("CustomerId", message.key())["id"]
                ids = self._pipeline.sent[headers["ka-entry"].decode()].alerts.get(customer, set())
            elif headers["ka-id"].decode() in self._pipeline.sent:
                ids = self._pipeline.sent[headers["ka-id"].decode()].ids
            needed[str(message.topic()), int(message.partition() or 0)].append(ids)
        return needed


@contextmanager
def load(pipeline: Pipeline, per_second: int, *, least: int = 0) -> Iterator[Load]:
    """Bookings for as long as the block takes, and until they have to raise at least so many alerts."""
    one = Load(pipeline, per_second)
    one.start()
    try:
        yield one
        assert wait_until(lambda: len(pipeline.due()) >= least, SECONDS, every=0.1), one.failure
    finally:
        one.stop()


def grows(pipeline: Pipeline, by: int) -> Callable[[], bool]:
    """A condition: the outbound topics hold `by` records more than now."""
    client = pipeline.client()
    places = pipeline.places(*OUTBOUND)

    def count() -> int:
        return sum(ends(client, places).values())

    before: list[int] = []

    def counted() -> bool:
        now = asked(count)
        if now is not None:
            before.append(now)
        return bool(before)

    assert wait_until(counted, SECONDS)
    return lambda: (asked(count) or 0) >= before[0] + by


def commits(pipeline: Pipeline, times: int) -> Callable[[], bool]:
    """A condition: the group has committed so many times since now, as far as can be seen."""
    client = pipeline.client("kafkalert.alerting")
    seen: list[dict[Place, int]] = []

    def done() -> bool:
        now = asked(lambda: pipeline.committed(client, pipeline.inputs[-1]))
        if now is not None and (not seen or seen[-1] != now):
            seen.append(now)
        return len(seen) > times

    return done


T = TypeVar("T")


def asked(question: Callable[[], T]) -> T | None:
    """The broker's answer, None from one that is away or has just returned."""
    try:
        return question()
    except KafkaException:
        return None


def some(seed: int) -> Random:
    """Chances that come again."""
    return Random(seed)  # noqa: S311 - nothing secret


def newest_beats(pipeline: Pipeline, seconds: float) -> list[dict[str, Any]]:
    """The last heartbeat of every instance that wrote one in the last `seconds`, and did not say that it stopped."""
    newest: dict[int, dict[str, Any]] = {}
    for message in pipeline.read(STATUS):
        beat = json.loads(message.value() or b"{}")
        newest[beat["pid"]] = beat
    now = time()
    return [one for one in newest.values() if one["time"] / 1000 > now - seconds and one["state"] != "stopped"]
