"""Kafka Connect's REST interface, as far as the mirror needs it: each call is bounded and typed.

The workers of one Connect cluster are equal, so the first that answers is asked; every request here may be repeated
without harm. Kafka's documentation, "Kafka Connect", REST API; offsets by KIP-875, stopping by KIP-875 too.
"""

import base64
import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from kafkalert.bus.connect.rest import Answer, Request, call, why
from kafkalert.bus.records.partitions import whole_number
from kafkalert.bus.trust import of_workers
from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError, KafkalertError, UnreachableError

CALL_SECONDS = 5.0
"""How long one call may take, all workers and repetitions together."""
_BUSY_SECONDS = 0.1
"""A worker that has not yet agreed with the others is asked again after this."""
_REBALANCE = "a rebalance is expected"
"""What a worker says to some questions with status 500, for which it has 409 at others."""
_LONGEST = 300
_CAUSE = "Caused by: "
_QUOTABLE = ("org.apache.kafka.common.errors.", "org.apache.kafka.common.config.", "java.net.", "javax.net.")

Offsets = dict[tuple[str, int], int]
"""(topic, partition) -> the offset of the last source record that has crossed for sure."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a connector. `state` is Connect's word; `reason` is why it failed."""

    number: int
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector as its workers see it. `state` is RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED or RESTARTING."""

    name: str
    state: str
    reason: str = ""
    tasks: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker says of itself: its Kafka's version, its cluster's id, its own time as HTTP has it (RFC 9110)."""

    version: str
    cluster_id: str
    date: str


class WorkerError(KafkalertError):
    """A worker answered, and refused; `status` is its HTTP status."""

    def __init__(self, message: str, status: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Connect:
    """The Connect cluster beside `cluster`, which hosts the flow into it.

    Every method takes at most `seconds`, also where a name server hangs, and raises UnreachableError if no worker
    answered (the request may have been carried out nevertheless), WorkerError with what a worker said.
    """

    def __init__(self, cluster: Cluster, *, seconds: float = CALL_SECONDS) -> None:
        """Raise ConfigError if the cluster has no `connect`, or its certificates cannot be read."""
        if not cluster.workers:
            raise ConfigError(
                f"Cluster {cluster.name} has no Connect worker.",
                hint=f'Add connect = "http://HOST:PORT" to [clusters.{cluster.name}].',
            )
        self.cluster = cluster.name
        self._urls = cluster.workers
        self._seconds = seconds
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if cluster.connect_auth is not None:
            user = base64.b64encode(cluster.connect_auth.get_secret_value().encode()).decode()
            self._headers["Authorization"] = f"Basic {user}"
        self._tls = of_workers(cluster) if any(url.startswith("https:") for url in self._urls) else None

    def worker(self) -> Worker:
        """Return what the first worker that answers says of itself."""
        answer = self._answer("GET", "/")
        with self._understood():
            return Worker(str(answer.content["version"]), str(answer.content["kafka_cluster_id"]), answer.date)

    def connectors(self) -> tuple[str, ...]:
        """Names of all connectors."""
        found = self._ask("GET", "/connectors")
        with self._understood():
            return tuple(sorted(map(str, found)))

    def status(self, name: str) -> Connector | None:
        """How a connector and its tasks are; None if there is none."""
        found = self._seek(f"{_path(name)}/status")
        if found is None:
            return None
        with self._understood():
            head = found["connector"]
            tasks = sorted((_task(each) for each in found["tasks"]), key=lambda task: task.number)
            return Connector(name, str(head["state"]), reason(head.get("trace")), tuple(tasks))

    def config(self, name: str) -> dict[str, str] | None:
        """Return a connector's configuration as it was put, references to secrets unresolved; None if there is none."""
        found = self._seek(f"{_path(name)}/config")
        if found is None:
            return None
        with self._understood():
            return {str(key): str(value) for key, value in found.items() if value is not None}

    def tasks(self, name: str) -> dict[int, dict[str, str]]:
        """Return the configuration of each task that a connector is to have; none where there is no connector."""
        try:
            found = self._ask("GET", f"{_path(name)}/tasks")
        except WorkerError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return {}
        with self._understood():
            return {whole_number(each["id"]["task"]): dict(each["config"]) for each in found}

    def put_config(self, name: str, config: Mapping[str, str]) -> None:
        """Create a connector, or replace the whole of its configuration."""
        self._ask("PUT", f"{_path(name)}/config", dict(config))

    def stop(self, name: str) -> None:
        """End a connector's tasks; it stays, and so do its offsets. Answers before they have ended."""
        self._ask("PUT", f"{_path(name)}/stop")

    def resume(self, name: str) -> None:
        """Let a stopped or paused connector go on."""
        self._ask("PUT", f"{_path(name)}/resume")

    def restart(self, name: str, *, only_failed: bool = True) -> None:
        """Restart a connector and its tasks, by default those that failed."""
        self._ask("POST", f"{_path(name)}/restart?includeTasks=true&onlyFailed={'true' if only_failed else 'false'}")

    def offsets(self, name: str) -> Offsets | None:
        """Return the committed offsets of a MirrorSourceConnector, by partition of the source.

        It returns None if there is no connector.

        Everything up to and including the offset has crossed, or was dropped on purpose. A partition of which
        nothing was committed is missing.
        """
        found = self._seek(f"{_path(name)}/offsets")
        if found is None:
            return None
        with self._understood():
            return {
                (str(each["partition"]["topic"]), whole_number(each["partition"]["partition"])): whole_number(
                    each["offset"]["offset"]
                )
                for each in found["offsets"]
                if each.get("offset") is not None
            }

    def patch_offsets(self, name: str, source: str, offsets: Mapping[tuple[str, int], int | None]) -> None:
        """Move a stopped connector: the next record read of a partition is the one after its offset.

        Args:
            name: the connector, whose state has to be STOPPED.
            source: the alias of the cluster that it reads.
            offsets: by (topic, partition); None forgets a partition, which is then read from its beginning.
        """
        body = [
            {
                "partition": {"cluster": source, "topic": topic, "partition": partition},
                "offset": None if offset is None else {"offset": offset},
            }
            for (topic, partition), offset in offsets.items()
        ]
        self._ask("PATCH", f"{_path(name)}/offsets", {"offsets": body})

    def _seek(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what is there, None if nothing is."""
        try:
            found = self._ask("GET", path)
        except WorkerError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None
        if not isinstance(found, dict):
            raise self._foreign()
        return found

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        return self._answer(method, path, body).content

    def _answer(self, method: str, path: str, body: object = None) -> Answer:
        deadline = time.monotonic() + self._seconds
        while True:
            answer = self._first_answer(method, path, body, deadline)
            is_busy = _is_busy(answer.status, answer.content)
            if not is_busy or time.monotonic() + _BUSY_SECONDS >= deadline:
                break
            threading.Event().wait(_BUSY_SECONDS)
        if answer.status < HTTPStatus.BAD_REQUEST:
            return answer
        raise self._refused(answer.status, answer.content)

    def _first_answer(self, method: str, path: str, body: object, deadline: float) -> Answer:
        """Return what the first worker says that says anything.

        A hung one leaves the others their share of the time.
        """
        reason = ""
        for number, url in enumerate(self._urls):
            share = (deadline - time.monotonic()) / (len(self._urls) - number)
            if share <= 0:
                break
            try:
                return call(url, self._tls, Request(method, path, body, self._headers), share)
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason = why(error)
        several = len(self._urls) > 1
        raise UnreachableError(
            f"The Connect worker{'s' if several else ''} beside {self.cluster} ({', '.join(self._urls)}) "
            f"{'do' if several else 'does'} not answer{reason}.",
            hint=f"Start it, or correct connect of [clusters.{self.cluster}].",
        )

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._foreign() from error

    def _foreign(self) -> WorkerError:
        what = f"What answers beside {self.cluster} is no Connect worker."
        return WorkerError(what, HTTPStatus.OK, hint=f"Correct connect of [clusters.{self.cluster}].")

    def _refused(self, status: int, answer: Any) -> WorkerError:  # noqa: ANN401 - any JSON
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            what = f"The Connect worker beside {self.cluster} does not let this client in (HTTP {status})."
            return WorkerError(what, status, hint=f"Check connect_auth of [clusters.{self.cluster}].")
        said = first_line(answer.get("message") if isinstance(answer, dict) else None).rstrip(".") or f"HTTP {status}"
        return WorkerError(f"The Connect worker beside {self.cluster} refused: {said}.", status, hint="See its log.")


def _is_busy(status: int, answer: object) -> bool:
    """Whether the worker could not answer just now."""
    said = answer.get("message") if isinstance(answer, dict) else None
    return status == HTTPStatus.CONFLICT or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and _REBALANCE in str(said))


def first_line(text: object) -> str:
    """Return what a worker says first: one printable line, without the name of Java's exception."""
    lines = [line.strip() for line in str(text or "").splitlines() if line.strip()]
    return _sentence(lines[0])[1] if lines else ""


def reason(trace: object) -> str:
    """Why a connector or task failed: what its trace says first, and what caused that in the end.

    The innermost cause is quoted only where it is one of Kafka's clients or of the network; another one, such as a
    parser's, may quote a record, so it is given by its name.
    """
    first = first_line(trace)
    causes = [line.strip() for line in str(trace or "").splitlines() if line.startswith(_CAUSE)]
    if not causes:
        return first
    kind, said = _sentence(causes[-1].removeprefix(_CAUSE))
    cause = said if kind.startswith(_QUOTABLE) else kind.rpartition(".")[2]
    return f"{first} ({cause})" if cause and cause != first else first


def _sentence(line: str) -> tuple[str, str]:
    """Return the kind of a Java exception, if the line begins with one, and what it says (its kind if nothing)."""
    kind, _, rest = line.partition(": ")
    if " " in kind or not kind.endswith(("Exception", "Error")):
        kind, rest = "", line
    said = "".join(char for char in rest or kind if char.isprintable())
    return kind, said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."


def _task(found: Mapping[str, Any]) -> Task:
    return Task(whole_number(found["id"]), str(found["state"]), reason(found.get("trace")))


def _path(name: str) -> str:
    return f"/connectors/{quote(name, safe='')}"
