"""The mirror: whether each Connect worker answers, works for its own cluster, and runs the flow that it should."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from kafkalert.bus.connect.client import Connect, Worker
from kafkalert.bus.connect.flow import Flow
from kafkalert.bus.connect.java import ReferenceOf
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import UnreachableError
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.failover.positions.asking import at_once
from kafkalert.ops.mirror.applying import survey
from kafkalert.ops.mirror.comparing import Comparison
from kafkalert.ops.mirror.condition import Condition, mend

WORKER_SECONDS: Final = 2.0
_APPLY: Final = "Run `kafkalert mirror apply`: it shows what it will do, and asks."


@dataclass(frozen=True, slots=True)
class Heard:
    """What a worker said, and when it was asked and answered here, in ms."""

    worker: Worker
    asked: int
    answered: int


def hear(cluster: Cluster, clock: Clock) -> dict[str, Heard | Exception]:
    """Ask each worker beside a cluster; by its URL what it said, or the Exception that came instead."""

    def ask(url: str) -> Heard:
        connect = Connect(cluster.model_copy(update={"connect": url}), seconds=WORKER_SECONDS)
        asked = clock.wall_ms()
        return Heard(connect.worker(), asked, clock.wall_ms())

    return at_once({url: partial(ask, url) for url in cluster.workers}, WORKER_SECONDS + 0.2)


def workers(cluster: Cluster, cluster_id: str | None, heard: Mapping[str, Heard | Exception]) -> Iterator[Checkup]:
    """Yield whether each worker answers, and whether it works for the cluster that it stands beside.

    `cluster_id` is that cluster's own, None where it does not tell.
    """
    checks = Checks(Subject.MIRROR, cluster.name)
    for url, one in heard.items():
        name = f"Connect worker {url}"
        if isinstance(one, Exception):
            found = checks.untold(name, one)
            yield checks.bad(
                name, found.text, found.hint or f"Start it, or correct connect of [clusters.{cluster.name}]."
            )
        elif cluster_id is not None and one.worker.cluster_id != cluster_id:
            yield checks.bad(
                name,
                f"The Connect worker {url} works for another cluster than {cluster.name}: its offsets go there.",
                f"Correct bootstrap.servers of the worker, or connect of [clusters.{cluster.name}].",
            )
        else:
            yield checks.ok(name, f"It answers, and works for {cluster.name}.")


def flow(settings: Settings, one: Flow, reference_of: ReferenceOf) -> list[Checkup]:
    """Return how a flow is. Raises KafkalertError for a worker that refuses to tell."""
    if not settings.clusters[one.target].workers:
        return [
            Checks(Subject.MIRROR, one.target).bad(
                f"flow {one.source} -> {one.target}",
                f"{one.target} has no Connect worker, so nothing crosses from {one.source}: a switch there loses it.",
                f'Add connect = "http://HOST:PORT" to [clusters.{one.target}].',
            )
        ]
    try:
        return list(connector(survey(settings, [one], reference_of)[0]))
    except UnreachableError:  # told of the worker itself
        text = (
            f"Whether the flow from {one.source} to {one.target} runs is not known: its Connect worker does not answer."
        )
        name = f"flow {one.source} -> {one.target}"
        return [Checks(Subject.MIRROR, one.target).unknown(name, text, f"Start the worker beside {one.target}.")]


def connector(found: Comparison) -> Iterator[Checkup]:
    """Yield whether a flow's connector is there, runs, and is as configured."""
    one = found.flow
    checks, name = Checks(Subject.MIRROR, one.target), f"flow {one.source} -> {one.target}"
    begin = f"The flow from {one.source} to {one.target}"
    why = f": {found.reason}" if found.reason else ""
    if found.condition is Condition.ABSENT:
        yield checks.bad(name, f"{begin} does not exist: nothing crosses.", _APPLY)
        return
    if found.condition is Condition.FAILED:
        hint = mend(one, found.condition, found.reason)
        yield checks.bad(name, f"{begin} failed{why}.", hint or f"Mend that; then: {_APPLY}")
    elif found.held:
        yield checks.look(
            name,
            f"{begin} is {found.condition}: nothing crosses.",
            "After a forced switch that is on purpose, until `kafkalert failover reconcile` lets it go on; else "
            "`kafkalert mirror apply --resume` does.",
        )
    elif found.condition is not Condition.RUNNING:
        hint = mend(one, found.condition, found.reason)
        yield checks.look(name, f"{begin} is {found.condition}{why}.", hint or "Look again in a minute.")
    else:
        yield checks.ok(name, f"It runs{f' ({found.reason})' if found.reason else ''}.")
    if found.differences:
        keys = ", ".join(each.key for each in found.differences)
        text = f"The connector {one.connector} beside {one.target} is not as configured: {keys}."
        yield checks.bad(f"connector {one.connector}", text, _APPLY)
