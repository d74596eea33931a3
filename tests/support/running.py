"""Runs `kafkalert` as it is installed against a pipeline's topics, and reads what its instances say of themselves."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.data.rows import debit, settings_row
from tests.support.pipeline import Pipeline
from tests.support.reading import STATUS

COMMAND = Path(sys.executable).with_name("kafkalert")

Done = subprocess.CompletedProcess[str]


def _command(pipeline: Pipeline, arguments: tuple[str, ...], more: str = "") -> list[str]:
    path = pipeline.config()
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    return [str(COMMAND), "--config", str(path), *arguments]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("KAFKALERT_")}


@contextmanager
def one_booking(bootstrap: str, prefix: str, folder: Path) -> Iterator[Pipeline]:
    """Topics with an account, a customer who asked for every debit of it, and one booking."""
    one = Pipeline(bootstrap, prefix, folder).make_topics()
    one.authorise("NL01", ["anna"])
    one.put_settings("anna", settings_row("anna", "NL01"))
    one.book(debit("NL01", "first"))
    one.flush()
    try:
        yield one
    finally:
        one.end()


def kafkalert(
    pipeline: Pipeline, *arguments: str, stdin: str = "", more: str = "", env: dict[str, str] | None = None
) -> Done:
    """A command to its end; `more` is put at the end of its configuration."""
    return subprocess.run(
        _command(pipeline, arguments, more),
        input=stdin,
        capture_output=True,
        text=True,
        env=_environment() | (env or {}),
        timeout=SECONDS,
        check=False,
    )


@contextmanager
def running(pipeline: Pipeline, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command while it runs; it does not outlive the block. Its stderr is a pipe."""
    with subprocess.Popen(
        _command(pipeline, arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def said(stderr: str) -> list[str]:
    """The messages of log lines."""
    return [json.loads(line)["message"] for line in stderr.splitlines() if line.startswith("{")]


def beats(pipeline: Pipeline, pid: int | None = None) -> list[dict[str, Any]]:
    """The heartbeats so far, of one process or of all."""
    found = [json.loads(one.value() or b"") for one in pipeline.read(STATUS)]
    return [one for one in found if pid in {None, one["pid"]}]


def await_beat(pipeline: Pipeline, pid: int, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first heartbeat of a process that is as wanted."""
    found: list[dict[str, Any]] = []

    def seen() -> bool:
        found[:] = [one for one in beats(pipeline, pid) if wanted(one)]
        return bool(found)

    assert wait_until(seen, SECONDS, every=0.2), f"{beats(pipeline, pid)[-3:]}\n{pipeline.said()}"
    return found[0]


def ended(pid: int) -> bool:
    """Whether a process has ended, be it that nobody has asked for its status."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def probe(port: int, path: str) -> int:
    """The status of an answer over HTTP; 0 where nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except urllib.error.URLError:
        return 0
