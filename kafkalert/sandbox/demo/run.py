"""The demo from beginning to end."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.sandbox.bank import Bank
from kafkalert.sandbox.cleanup import data_folder
from kafkalert.sandbox.demo.pipeline import DemoPipeline
from kafkalert.sandbox.demo.scoreboard import Scoreboard, Snapshot, Summary
from kafkalert.sandbox.demo.traffic import Receiver, Sender, Worker
from kafkalert.sandbox.state import write_private

FRAME_SECONDS: Final = 0.2
"""How often the demo says how it stands."""
PATIENCE_SECONDS: Final = 10.0
"""An alert that has not come so long after anything else came is lost."""
WARM_SECONDS: Final = 5.0
MORE_BOOKINGS: Final = 2000


@dataclass(frozen=True, slots=True)
class Options:
    """How fast, for how long, which bank, and whether everything stays afterwards."""

    rate: float = 100
    seconds: float = 20
    seed: int = 1
    keep: bool = False


class Demo:
    """Take `run()` inside a `with`; the block's end ends everything, unless it ran to its end and is kept.

    `tell` is told what is being prepared.
    """

    def __init__(
        self,
        options: Options,
        *,
        tell: Callable[[str], None],
        clock: Clock | None = None,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._bank = Bank(options.seed)
        self._bookings = self._bank.bookings(self._clock.wall_ms)
        self._pipeline = DemoPipeline(kept=options.keep, tell=tell, env=env)
        self._workers: list[Worker] = []
        self._summary: Summary | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for worker in self._workers:
            worker.stop()
        if error is not None or self._summary is None or not self._options.keep:
            self._pipeline.stop()

    @property
    def size(self) -> tuple[int, int, int]:
        """Households, accounts and customers of the bank."""
        bank = self._bank
        return len(bank.households), len(bank.authorisations), len(bank.settings)

    @property
    def folder(self) -> Path:
        """The sandbox's folder."""
        return self._pipeline.folder

    @property
    def config(self) -> Path:
        """The configuration that leads to the demo's cluster, while that is there."""
        return self._pipeline.config

    def run(self) -> Iterator[Snapshot]:
        """Prepare everything, send the bookings and wait for the alerts; says a few times a second how it stands.

        Raises KafkalertError where something does not start, or ends on its own.
        """
        settings = self._pipeline.start(self._bank)
        id_key = settings.alerts.id_key.get_secret_value()
        scoreboard = Scoreboard(id_key, self._bank.authorisations, self._bank.settings)
        options, clock = self._options, self._clock
        receiver = Worker("receiver", Receiver(settings, scoreboard, clock))
        bookings = self._bookings
        send = Sender(settings, scoreboard, bookings, rate=options.rate, seconds=options.seconds, clock=clock)
        sender = Worker("sender", send)
        self._workers = [sender, receiver]
        began = clock.monotonic()
        for worker in self._workers:
            worker.start()
        yield from self._watch(scoreboard, sender, receiver, began)
        ended = clock.monotonic()
        warm_after = WARM_SECONDS if options.seconds >= 2 * WARM_SECONDS else 0
        self._summary = scoreboard.summary(options.seed, began, ended, warm_after=warm_after)
        if options.keep:
            self._leave_bookings()
        yield scoreboard.snapshot("done", ended - began, options.seconds)

    @property
    def summary(self) -> Summary:
        """What it came to, once it has run to its end."""
        if self._summary is None:
            raise RuntimeError("The demo has not run to its end.")
        return self._summary

    @property
    def bookings(self) -> Path:
        """Where a kept demo leaves bookings to go on with."""
        return data_folder(self._pipeline.folder) / "bookings.ndjson"

    def _watch(self, scoreboard: Scoreboard, sender: Worker, receiver: Worker, began: float) -> Iterator[Snapshot]:
        waiting, changed = -1, self._clock.monotonic()
        while True:
            sender.join(FRAME_SECONDS)
            if not sender.is_alive():
                receiver.join(FRAME_SECONDS if scoreboard.waiting() else 0)
            for worker in (sender, receiver):
                worker.check()
            now = self._clock.monotonic()
            self._pipeline.check()
            yield scoreboard.snapshot(
                "bookings" if sender.is_alive() else "waiting", now - began, self._options.seconds
            )
            if sender.is_alive() or scoreboard.waiting() != waiting:
                waiting, changed = scoreboard.waiting(), now
            if not sender.is_alive() and (not waiting or now - changed > PATIENCE_SECONDS):
                return

    def _leave_bookings(self) -> None:
        more = islice(self._bookings, MORE_BOOKINGS)
        write_private(self.bookings, "".join(f"{json.dumps(booking.entry)}\n" for booking in more))
