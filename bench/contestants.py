"""The pipelines as processes: started, waited for, weighed, stopped, all the same way."""

import json
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from sysconfig import get_path
from time import monotonic, sleep
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from bench import jvm
from bench.feed import ENTRIES, ENTRIES_BY_CUSTOMER, Backlog, Feed
from kafkalert.errors import KafkalertError
from kafkalert.sandbox.ports import free_port

PEER: Final = Path(__file__).parent / "peers" / "kafka-streams"
PEER_HEAP: Final = "1g"
READY_SECONDS: Final = 300.0
STOP_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.01
_TAIL: Final = 15


class Contestant(ABC):
    """One pipeline with the topics of its feed, its tables under `folder`, and at most one process."""

    name: str
    group: str
    """Its consumer group, without the feed's prefix."""
    reads: tuple[str, ...]
    """Topics that it reads as a stream, each fed by those before it."""

    def __init__(self, feed: Feed, folder: Path) -> None:
        self.feed = feed
        self.state = folder / "state"
        self.log = folder / "log"
        self.state.mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What is run."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it says that its tables are there and that it processes."""

    def start(self) -> None:
        """Start it, without waiting."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=subprocess.STDOUT)

    def await_ready(self) -> None:
        """Wait until it is ready. Raises KafkalertError if it ends or takes too long."""
        until = monotonic() + READY_SECONDS
        while not self.ready():
            self.check()
            if monotonic() > until:
                raise self._trouble(f"was not ready within {READY_SECONDS:.0f} s")
            sleep(_LOOK_SECONDS)

    def check(self) -> None:
        """Raise KafkalertError with the end of its log if it does not run."""
        if self._process is None or self._process.poll() is not None:
            raise self._trouble("has ended")

    def stop(self) -> None:
        """An orderly stop: SIGTERM and the wait for status 0. Raises KafkalertError for any other."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            # A JVM ends with 143 after its shutdown hook did everything.
            if process.wait(STOP_SECONDS) not in {0, 128 + signal.SIGTERM}:
                raise self._trouble(f"ended with status {process.returncode}")
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise self._trouble(f"did not stop within {STOP_SECONDS:.0f} s") from error

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self._process is not None:
            for one in self._family():
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            self._process.wait()
            self._process = None

    def forget(self) -> None:
        """Remove its tables."""
        shutil.rmtree(self.state)
        self.state.mkdir()

    def backlog(self) -> Backlog:
        """What it has not yet committed of what it reads."""
        return Backlog(self.feed, self.feed.prefix + self.group, self.reads)

    def memory(self) -> int:
        """Anonymous resident bytes (RssAnon) of its processes: what is neither file nor page cache."""
        return sum(_anonymous(one.pid) for one in self._family())

    def cpu_seconds(self) -> float:
        """Processor time that its processes have used so far."""
        times = [one.cpu_times() for one in self._family()]
        return sum(one.user + one.system for one in times)

    def _family(self) -> list[psutil.Process]:
        if self._process is None or self._process.poll() is not None:
            return []
        head = psutil.Process(self._process.pid)
        return [head, *head.children(recursive=True)]

    def _trouble(self, what: str) -> KafkalertError:
        last = "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL:]) if self.log.exists() else ""
        return KafkalertError(f"{self.name} {what}. The end of its log:\n{last}")


class Kafkalert(Contestant):
    """One kafkalert process, alerting, one hop, everything as it comes."""

    name = "kafkalert"
    group = "kafkalert.alerting"
    reads = (ENTRIES,)

    def __init__(self, feed: Feed, folder: Path) -> None:
        super().__init__(feed, folder)
        self._port = free_port(())
        self._config = folder / "kafkalert.toml"
        # JSON's strings are TOML's.
        self._config.write_text(
            f"[clusters.dc1]\nbootstrap = {json.dumps(feed.cluster.bootstrap)}\n"
            f'[contexts.bench]\nclusters = ["dc1"]\nprefix = {json.dumps(feed.prefix)}\n'
            f"[engine]\nstate = {json.dumps(str(self.state))}\n"
            'offsets_gone = "again"\n'  # what stands on the outbound topics may be the other contestant's
        )

    def command(self) -> list[str]:
        """`kafkalert run alerting`."""
        installed = Path(get_path("scripts"), "kafkalert")
        return [str(installed), "run", "alerting", "--config", str(self._config), "--http-port", str(self._port)]

    def ready(self) -> bool:
        """`/readyz` answers 200."""
        try:
            with urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=1):
                return True
        except (URLError, ConnectionError, TimeoutError):  # 503 is an URLError
            return False


class StreamsPeer(Contestant):
    """The Kafka Streams peer with one stream thread, in the reference's form: typed records at every edge."""

    name = "kafka-streams"
    form = "reference"
    """What its option `--form` is given."""
    group = "peer"
    reads = (ENTRIES, ENTRIES_BY_CUSTOMER)

    def __init__(self, feed: Feed, folder: Path, *, commit_ms: int = 30_000) -> None:
        super().__init__(feed, folder)
        self._commit_ms = commit_ms

    def command(self) -> list[str]:
        """The jar, built if it has to be."""
        jar = jvm.build(PEER)
        java = ["java", f"-Xmx{PEER_HEAP}", "-jar", str(jar), "--form", self.form]
        feed = ["--bootstrap", self.feed.cluster.bootstrap, "--prefix", self.feed.prefix]
        own = ["--application-id", self.feed.prefix + self.group, "--state-dir", str(self.state)]
        return [*java, *feed, *own, "--commit-interval-ms", str(self._commit_ms)]

    def ready(self) -> bool:
        """It printed that it runs."""
        return '{"event":"running"}' in self.log.read_text(errors="replace")


class TunedStreamsPeer(StreamsPeer):
    """The same in its hand-tuned form: keys joined as bytes, the entry not decoded in the first hop."""

    name = "kafka-streams-tuned"
    form = "tuned"


CONTESTANTS: Final[tuple[type[Contestant], ...]] = (Kafkalert, StreamsPeer, TunedStreamsPeer)
"""All there are, kafkalert first."""


def _anonymous(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0  # it ended since it was listed
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon")), 0)
