"""`python -m bench.dashboard`: what the dashboard costs, and how soon it answers a key, while alerts flow."""

import fcntl
import logging
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import monotonic, sleep
from typing import Annotated, Self

import psutil
import typer
from rich.console import Console
from rich.table import Table

from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord, Rates
from kafkalert.ops.overview.series import Series
from kafkalert.sandbox.local import Sandbox
from tests.support.pipeline import Pipeline
from tests.support.running import COMMAND

_SCREENS = {"6": b"nowhere to move to", "7": b"nothing has to cross"}
"""Keys, and what only their screens say in a context of one cluster."""
_HOUR_SECONDS = 3600


def main(
    rate: Annotated[int, typer.Option(min=1, help="Alerts a second.")] = 1000,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of accountentry.")] = 200,
    seconds: Annotated[int, typer.Option(min=5, help="How long each screen is looked at.")] = 20,
    keys: Annotated[int, typer.Option(min=10, help="Keys that are pressed.")] = 100,
) -> None:
    """Measure the dashboard on a real broker; table on stdout."""
    logging.getLogger("kafkalert").addHandler(logging.NullHandler())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    narration = Console(stderr=True)
    rows: list[tuple[str, str]] = []
    with TemporaryDirectory(prefix="kafkalert-bench-") as name, Sandbox(Path(name, "sandbox")) as sandbox:
        sandbox.up(1, full_speed=True)
        pipeline = Pipeline(sandbox.bootstrap("dc1"), "bench.", Path(name, "bank"), partitions=partitions)
        pipeline.engine = {"state": pipeline.engine["state"]}
        pipeline.make_topics().seed()
        pipeline.alerting()
        pipeline.await_processed()
        try:
            narration.print("Nothing flows.")
            with Shown(pipeline.config()) as screen:
                rows.append(("first paint, s", f"{screen.first:.2f}"))
                sleep(8)
                rows.append(("at rest, % of a core", f"{screen.share(seconds):.1f}"))
            with _flowing(pipeline, rate), Shown(pipeline.config()) as screen:
                sleep(8)
                for key, what in (("1", "pipeline"), ("2", "lag"), ("3", "alerts"), ("4", "instances")):
                    narration.print(f"{rate} alerts/s, {what}.")
                    screen.press(key)
                    sleep(2)
                    rows.append((f"{rate} alerts/s, {what}, % of a core", f"{screen.share(seconds):.1f}"))
                before = screen.memory()
                narration.print(f"{keys} keys.")
                times = [screen.answer("67"[number % 2]) for number in range(keys)]
                rows.append(("a key, ms: median", f"{1000 * median(times):.0f}"))
                rows.append(("a key, ms: 95th percentile", f"{1000 * quantiles(times, n=20)[-1]:.0f}"))
                rows.append(("RssAnon then, MiB", f"{before:.0f}"))
        finally:
            pipeline.end()
    hour, day = _day()
    rows.append(("heartbeats of an hour, and of a day, MiB", f"{hour:.0f}, {day:.0f}"))
    table = Table("dashboard", "")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


class Shown:
    """The dashboard in a terminal of 160x50. `first`: seconds until something stood there."""

    def __init__(self, config: Path) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        began = monotonic()
        self._process = subprocess.Popen(
            [str(COMMAND), "--config", str(config), "tui"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(theirs)
        self._until(b"Asking", 20)
        self.first = monotonic() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.press("q")
        self._drain(2)
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self._ours, key.encode())

    def answer(self, key: str) -> float:
        """Press a key, and return the seconds until its screen stands there."""
        self._drain(0.05)
        began = monotonic()
        self.press(key)
        self._until(_SCREENS[key], 10)
        return monotonic() - began

    def share(self, seconds: int) -> float:
        """Percent of a core that it takes in so many seconds."""
        process = psutil.Process(self._process.pid)
        before, began = sum(process.cpu_times()[:2]), monotonic()
        self._drain(seconds)
        return float(100 * (sum(process.cpu_times()[:2]) - before) / (monotonic() - began))

    def memory(self) -> float:
        """RssAnon, MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) / 1024

    def _drain(self, seconds: float) -> None:
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            if select.select([self._ours], [], [], left)[0]:
                try:
                    os.read(self._ours, 65536)
                except OSError:  # it has ended
                    return

    def _until(self, text: bytes, seconds: float) -> None:
        seen, until = b"", monotonic() + seconds
        while text not in seen:
            assert monotonic() < until, seen[-2000:]
            if select.select([self._ours], [], [], 0.1)[0]:
                seen += os.read(self._ours, 65536)


@contextmanager
def _flowing(pipeline: Pipeline, rate: int) -> Iterator[None]:
    """Bookings come, so many that about `rate` alerts a second go out."""
    ended = Event()
    sent = pipeline.send(200)
    share = max(0.1, sum(len(one.ids) for one in sent) / len(sent))
    each = max(1, round(rate / share / 10))

    def feed() -> None:
        due = monotonic()
        while not ended.is_set():
            pipeline.send(each)
            pipeline.flush()
            due += 0.1
            sleep(max(0.0, due - monotonic()))

    feeder = Thread(target=feed, daemon=True)
    feeder.start()
    try:
        yield
    finally:
        ended.set()
        feeder.join()


def _day() -> tuple[float, float]:
    """What this process takes, in MiB, after an hour and after a day of heartbeats: 200 partitions by 5 instances."""
    series, process = Series(), psutil.Process()
    lags = [{f"accountentry/{40 * instance + place}": place for place in range(40)} for instance in range(5)]
    taken: list[float] = []
    for second in range(24 * _HOUR_SECONDS):
        for instance in range(5):
            beat = HeartbeatRecord(
                instance=f"vm-{instance}",
                stage="alerting",
                cluster="dc1",
                state="running",
                time=second * 1000,
                lags=lags[instance],
                rates=Rates(200.0, 200.0),
            )
            series.add(beat, second)
        if second + 1 in {_HOUR_SECONDS, 24 * _HOUR_SECONDS}:
            taken.append(process.memory_full_info().uss / 2**20)
    hour, day = taken
    return hour, day


if __name__ == "__main__":
    typer.run(main)
