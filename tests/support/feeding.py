"""What a bank on two clusters is fed by, and what surrounds its processes: bookings, a mirror's flow, another clock."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event as Flag
from threading import Thread

from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import connector_name
from kafkalert.config.sections import Cluster
from kafkalert.errors import KafkalertError
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.pipeline import Pipeline, Sent
from tests.support.reading import ends

_OTHER_TIME = """
import os, time
now, utime = time.time_ns, os.utime
time.time_ns = lambda: now() + {seconds} * 10**9
os.utime = lambda path, times=None, **more: utime(path, times, **more) if times or more else utime(
    path, ns=(time.time_ns(), time.time_ns())
)
"""


class EntryFeed(Thread):
    """Bookings at a rate, appended to the file that the bridge follows; `book` writes so many lines of them."""

    def __init__(self, file: Path, book: Callable[[int, Callable[[str], object]], None], per_second: int) -> None:
        super().__init__(name="feed", daemon=True)
        self._file = file
        self._book = book
        self._burst = max(1, per_second // 20)
        self._halt = Flag()

    def run(self) -> None:
        """Write, burst after burst."""
        with self._file.open("a", encoding="utf-8") as out:
            while not self._halt.wait(0.05):
                self._book(self._burst, out.write)
                out.flush()

    def stop(self) -> None:
        """Write no more."""
        self._halt.set()
        self.join(SECONDS)


def book_lines(pipeline: Pipeline, count: int, write: Callable[[str], object]) -> None:
    """Write a bank's next bookings as lines; from now on they count as sent."""
    for one in islice(pipeline.bookings, count):
        entry = one.entry
        pipeline.sent[entry["entryId"]] = Sent(len(pipeline.sent), entry["accountId"], pipeline.alerts_of(entry))
        write(json.dumps(entry) + "\n")


class Worker(Connect):
    """With what only others than kafkalert do to a connector."""

    def pause(self, name: str) -> None:
        """Let its tasks idle."""
        self._ask("PUT", f"/connectors/{name}/pause")

    def delete(self, name: str) -> None:
        """Remove it; its offsets stay."""
        self._ask("DELETE", f"/connectors/{name}")


@dataclass
class Flow:
    """What carries records from `source` into `target`, as its worker is told."""

    target: Cluster
    source: str
    prefix: str

    def __post_init__(self) -> None:
        self._name = connector_name(self.source, self.target.name, self.prefix)
        self._worker = Worker(self.target)

    def stop(self) -> None:
        """Nothing crosses any more."""
        self._worker.stop(self._name)

    def resume(self) -> None:
        """It goes on, and runs with all its tasks again."""
        self._worker.resume(self._name)

        def runs() -> bool:
            found = self._worker.status(self._name)
            return found is not None and {found.state, *(one.state for one in found.tasks)} == {"RUNNING"}

        assert wait_until(runs, SECONDS, every=0.1)

    def await_confirmed(self, source: Pipeline, *topics: str) -> None:
        """Wait until its worker has confirmed all that topics of its source hold now."""
        client = source.client()
        last = ends(client, source.places(*topics))
        client.close()

        def confirmed() -> bool:
            told = self._worker.offsets(self._name) or {}
            return all(told.get(one, -1) + 1 >= end for one, end in last.items())

        assert wait_until(confirmed, SECONDS, every=0.1), f"{last} and {self._worker.offsets(self._name)}"

    def leave_out(self, topic: str) -> None:
        """It goes on without carrying that topic, as if it were late there."""
        self.stop()
        assert wait_until(lambda: not getattr(self._worker.status(self._name), "tasks", ()), SECONDS, every=0.1)
        config = self._worker.config(self._name)
        assert config is not None
        carried = config["topics"].split(",")
        carried.remove(topic.replace(".", "\\."))
        self._worker.put_config(self._name, config | {"topics": ",".join(carried)})
        self.resume()

    def delete(self) -> None:
        """It is gone, or its worker is."""
        with suppress(KafkalertError):
            self._worker.delete(self._name)


def other_time(folder: Path, seconds: int) -> Path:
    """A folder from which Python takes what is done before anything else: there, its clock is set ahead."""
    made = folder / f"clock{seconds:+d}"
    made.mkdir(exist_ok=True)
    (made / "sitecustomize.py").write_text(_OTHER_TIME.format(seconds=seconds), encoding="utf-8")
    return made
