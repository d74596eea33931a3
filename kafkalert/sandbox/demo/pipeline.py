"""The demo's pipeline: a cluster of its own with topics and tables filled, and the real alerting beside it."""

import http.client
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from kafkalert.config.sections import Cluster, Context, Engine, Settings
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import KafkalertError
from kafkalert.ops import topic_admin
from kafkalert.ops.seed.job import Audience, Request, seed
from kafkalert.ops.seed.kinds import AUTHORISATIONS, SETTINGS, Kind
from kafkalert.sandbox.bank import Bank
from kafkalert.sandbox.cleanup import alone, data_folder
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.ports import HOST, free_port
from kafkalert.sandbox.process import Identity, send, spawn, state_of, wait_until
from kafkalert.sandbox.state import write_private

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0

Tell = Callable[[str], None]


class DemoPipeline:
    """A sandbox in a temporary folder with everything that alerts need. Ends with this process, unless it is kept."""

    def __init__(self, *, kept: bool, tell: Tell, env: Mapping[str, str] = os.environ) -> None:
        self._kept = kept
        self._tell = tell
        # A variable that leads kafkalert to somebody's cluster must not lead the demo there.
        self._env = {name: value for name, value in env.items() if not name.startswith("KAFKALERT_")}
        self.folder = Path(tempfile.mkdtemp(prefix="kafkalert-demo-"))
        self._sandbox = Sandbox(self.folder, env=self._env)
        self._alerting: Identity | None = None

    @property
    def config(self) -> Path:
        """The configuration by which kafkalert's commands find the demo's cluster."""
        return data_folder(self.folder) / "demo.toml"

    def start(self, bank: Bank) -> Settings:
        """Start Kafka, make topics, fill the tables and start alerting. Raises KafkalertError."""
        self._tell("Starting Kafka")
        self._sandbox.up(1, owned=not self._kept, on_progress=self._progress)
        write_private(self.config, self._toml())
        settings = self._settings()
        self._tell("Making the topics")
        topic_admin.apply(settings, topic_admin.plan(settings))
        accounts, customers = len(bank.authorisations), len(bank.settings)
        self._tell(f"Filling the tables: {accounts} accounts, {customers} customers")
        self._seed(settings, AUTHORISATIONS, bank.authorisation_rows())
        self._seed(settings, SETTINGS, bank.settings_rows())
        self._tell("Starting alerting")
        self._start_alerting()
        return settings

    def check(self) -> None:
        """Raise KafkalertError if alerting or the broker has ended."""
        if state_of(self._alerting) is None:
            raise KafkalertError("Alerting has ended by itself.", hint=self._last_words())
        for component in self._sandbox.status().components:
            if component.state == "stopped":
                raise KafkalertError(f"The demo's broker {component.name} has ended by itself.", hint="Run it again.")

    def stop(self) -> None:
        """End everything and leave nothing behind. May be called again."""
        if self._alerting is not None and send(self._alerting, signal.SIGTERM):
            wait_until(lambda: state_of(self._alerting) is None, STOP_SECONDS)
        self._alerting = None
        self._sandbox.down()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _progress(self, what: str, done: int, total: int) -> None:
        self._tell(f"Starting Kafka: {what}{f', {done} of {total}' if total > 1 else ''}")

    def _settings(self) -> Settings:
        """Return what `config` says, and nothing of the environment."""
        return Settings(
            context=Context(name="demo", clusters=("dc1",), unmask=True),
            clusters={"dc1": Cluster(name="dc1", bootstrap=self._sandbox.bootstrap("dc1"))},
            engine=Engine(state=data_folder(self.folder) / "tables"),
        )

    def _toml(self) -> str:
        settings = self._settings()
        return (
            'context = "demo"\n\n'
            f'[clusters.dc1]\nbootstrap = "{settings.active.bootstrap}"\n\n'
            '[contexts.demo]\nclusters = ["dc1"]\nunmask = true  # nobody in it exists\n\n'
            f"[engine]\nstate = {json.dumps(str(settings.engine.state))}\n"
        )

    def _seed(self, settings: Settings, kind: Kind, rows: Iterable[Mapping[str, Any]]) -> None:
        file = data_folder(self.folder) / f"{kind.topic}.ndjson"
        write_private(file, "".join(f"{json.dumps(row)}\n" for row in rows))
        audience = Audience(lambda _: None, lambda _: nullcontext(lambda _: None), lambda *_: None)
        summary = seed(settings, Request(kind, str(file)), audience, Stopping(SystemClock()))
        if summary.acknowledged < summary.rows or summary.bad_lines:
            raise KafkalertError(f"The table {kind.topic} could not be filled.", hint="Run it again.")

    def _start_alerting(self) -> None:
        port = free_port(())
        folder = data_folder(self.folder) / "alerting"
        folder.mkdir(mode=0o700)
        command = [sys.executable, "-P", "-m", "kafkalert", "--config", str(self.config)]
        command += ["run", "alerting", "--http-port", str(port)]
        with alone(self.folder) as lock:
            self._alerting = spawn(command, folder=folder, env=self._env, lock=lock)
        done = wait_until(lambda: _ready(port) or state_of(self._alerting) is None, READY_SECONDS, every=0.05)
        self.check()
        if not done:
            raise KafkalertError("Alerting did not become ready in a minute.", hint=self._last_words())

    def _last_words(self) -> str:
        log = data_folder(self.folder) / "alerting" / "log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        return f"It said: {lines[-1]}" if lines else "It said nothing."


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
