"""Makes all checks: first whether each cluster is reached, then at once whatever can be asked. Changes nothing."""

import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

from kafkalert.bus.connect.flow import flows
from kafkalert.config.loading.load import Loaded
from kafkalert.config.pipeline import TABLES
from kafkalert.config.sections import Cluster, Settings
from kafkalert.config.stages import readers
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import ConfigError, KafkalertError
from kafkalert.ops.doctor import (
    addresses,
    clocks,
    configuration,
    disk,
    mirror,
    newest,
    permissions,
    record_times,
    sasl,
    schemas,
    tls,
    topics,
    transactions,
    versions,
)
from kafkalert.ops.doctor.checkup import NO_TOPIC, Checks, Checkup, Examination, Subject, ordered
from kafkalert.ops.doctor.reaching import Reached, reach
from kafkalert.ops.failover.positions.asking import at_once
from kafkalert.ops.topics import wanted
from kafkalert.ops.versions import versions as installed

_LOG = logging.getLogger(__name__)
REACH_SECONDS: Final = 4.3
ASK_SECONDS: Final = 4.2
"""Both, with start-up, stay below the promised 10 s."""
_WORKER_TLS_SECONDS: Final = 2.0
_HERE: Final = frozenset({Subject.CONFIGURATION, Subject.DISK})
"""Subjects for which nobody has to be reached."""
_ASKED: Final = (Subject.TOPICS, Subject.MIRROR, Subject.PERMISSIONS, Subject.TRANSACTIONS, Subject.RECORD_TIMES)
"""Subjects of which nothing can be known of a cluster that does not answer."""


_READ: Final = (Subject.RECORD_TIMES, Subject.SCHEMAS)


class Question(NamedTuple):
    """What some checks are about that are asked for together."""

    subject: Subject
    cluster: str
    name: str


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is wanted of one examination."""

    loaded: Loaded
    subjects: frozenset[Subject]
    who: Sequence[str]
    clock: Clock

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)

    def has(self, *subjects: Subject) -> bool:
        return any(one in self.subjects for one in subjects)


Asked = Callable[[], list[Checkup]]


def examine(
    loaded: Loaded, only: Collection[Subject] = (), who: Sequence[str] = (), clock: Clock | None = None
) -> Examination:
    """Make the checks of `only`, all without any, within about 9 s, whatever hangs.

    Args:
        loaded: the configuration, and where it came from.
        only: subjects.
        who: commands and stages that this client is meant to do, as `topics acls` names them; all without any.
        clock: the time.
    """
    wish = _Wish(loaded, frozenset(only or Subject), who, clock or SystemClock())
    found = list(_here(wish))
    reached: dict[str, Reached] = {}
    if wish.subjects - _HERE:
        calls = {name: partial(reach, wish.settings.clusters[name]) for name in wish.settings.context.clusters}
        for name, told in at_once(calls, REACH_SECONDS).items():
            if isinstance(told, Reached):
                reached[name] = told
                found += _contacts(told, wish)
            elif isinstance(told, ConfigError):
                found.append(Checks(Subject.CONFIGURATION, name).bad("client", str(told), told.hint))
            else:
                found.append(_untold(Question(Subject.ADDRESSES, name, "the cluster"), told))
        for question, answer in at_once(_questions(wish, reached), ASK_SECONDS).items():
            found += [_untold(question, answer)] if isinstance(answer, Exception) else answer
        found += _alike(wish.settings, reached)
    away = tuple(name for name, one in reached.items() if not one.answers)
    return Examination(tuple(ordered(one for one in found if one.subject in wish.subjects)), away)


def _here(wish: _Wish) -> Iterator[Checkup]:
    """Yield what is known without a cluster."""
    yield from configuration.judge(wish.loaded)
    yield from versions.here(installed())
    for name in wish.settings.context.clusters:
        yield from tls.own(wish.settings.clusters[name], wish.now)
        yield disk.of_brokers(wish.settings.clusters[name])
    engine = wish.settings.engine
    try:
        yield from disk.judge(disk.look(engine), engine.table_size, os.geteuid())
    except OSError as error:
        why = error.strerror or type(error).__name__
        yield Checks(Subject.DISK).bad("folder", f"{engine.state} (engine.state): {why}.", "Correct engine.state.")


def _contacts(found: Reached, wish: _Wish) -> Iterator[Checkup]:
    """Yield what the contacts with a cluster tell, and what is not asked because it does not answer."""
    yield from addresses.judge(found)
    yield from tls.judge(found, wish.now)
    yield from sasl.judge(found)
    if found.answers:
        yield from versions.of_brokers(found)
        return
    for subject in _ASKED:
        name = found.cluster.name
        yield Checks(subject, name).skipped("the cluster", f"It is not looked at, as {name} does not answer.")


def _questions(wish: _Wish, reached: Mapping[str, Reached]) -> dict[Question, Asked]:
    """Return what is asked of clusters, workers and the registry."""
    settings = wish.settings
    asked: dict[Question, Asked] = {}
    if wish.has(Subject.SCHEMAS):
        asked[Question(Subject.SCHEMAS, "", "registry")] = partial(schemas.of_registry, settings.serde)
    answering = [one for one in reached.values() if one.answers]
    for one in answering:
        asked |= _questions_of(wish, one)
    if answering and wish.has(Subject.CLOCKS):
        followed = [one.cluster for one in answering]
        asked[Question(Subject.CLOCKS, "", "instances")] = partial(_instances, settings, followed, wish.clock)
    if not wish.has(Subject.MIRROR, Subject.CLOCKS, Subject.VERSIONS, Subject.TLS):
        return asked
    there = {one.cluster.name for one in answering}
    for each in flows(settings):
        if {each.source, each.target} <= there:
            question = Question(Subject.MIRROR, each.target, f"flow {each.source} -> {each.target}")
            asked[question] = partial(mirror.flow, settings, each, wish.loaded.reference)
    for name in settings.context.clusters if len(settings.context.clusters) > 1 else ():
        cluster, metadata = settings.clusters[name], reached[name].metadata if name in reached else None
        cluster_id = None if metadata is None else metadata.cluster_id
        asked[Question(Subject.MIRROR, name, "workers")] = partial(_workers, cluster, cluster_id, wish.clock)
        asked[Question(Subject.TLS, name, "workers")] = partial(tls.of_workers, cluster, wish.now, _WORKER_TLS_SECONDS)
    return asked


def _questions_of(wish: _Wish, found: Reached) -> dict[Question, Asked]:
    """Return what is asked of a cluster that answers."""
    settings, cluster, name = wish.settings, found.cluster, found.cluster.name
    counts = {} if found.metadata is None else topics.partition_counts(found.metadata, _names(settings))
    read = list(dict.fromkeys([*(topic for spec in readers().values() for topic in spec.topics(settings))]))
    read += [topic for topic in map(settings.topic, TABLES) if topic not in read]
    asked: dict[Question, Asked] = {}
    if wish.has(Subject.TOPICS):
        asked[Question(Subject.TOPICS, name, "all")] = partial(topics.check, settings, found)
    if wish.has(Subject.PERMISSIONS):
        asked[Question(Subject.PERMISSIONS, name, "all")] = partial(permissions.check, settings, cluster, wish.who)
    if wish.has(Subject.TRANSACTIONS):
        asked[Question(Subject.TRANSACTIONS, name, "partitions")] = partial(
            transactions.check, cluster, list(counts), wish.clock
        )
    if wish.has(*_READ):
        there = [topic for topic in read if topic in counts]
        asked[Question(Subject.RECORD_TIMES, name, "newest records")] = partial(
            _newest, settings, cluster, there, wish.clock
        )
    return asked


def _newest(settings: Settings, cluster: Cluster, read: list[str], clock: Clock) -> list[Checkup]:
    """Return what the newest records of topics tell: their times, and their schemas."""
    if not read:
        return [Checks(each, cluster.name).skipped("newest records", NO_TOPIC) for each in _READ]
    other = next((name for name in settings.context.clusters if name != cluster.name), "")
    found = newest.read(cluster, other, read, clock)
    times = list(record_times.judge(cluster.name, found.times, clock.wall_ms()))
    return times + schemas.of_records(settings, cluster.name, found.messages)


def _instances(settings: Settings, there: Sequence[Cluster], clock: Clock) -> list[Checkup]:
    return list(clocks.judge("", "instances", clocks.watch(settings, there, clock)))


def _workers(cluster: Cluster, cluster_id: str | None, clock: Clock) -> list[Checkup]:
    """Return what the Connect workers beside a cluster tell."""
    heard = mirror.hear(cluster, clock)
    said = {url: one.worker for url, one in heard.items() if isinstance(one, mirror.Heard)}
    return [
        *mirror.workers(cluster, cluster_id, heard),
        *versions.of_workers(cluster.name, said),
        *clocks.judge(cluster.name, "Connect workers", clocks.offsets_of_workers(heard)),
    ]


def _alike(settings: Settings, reached: Mapping[str, Reached]) -> Iterator[Checkup]:
    """Yield what both clusters have to have alike, and what they must not."""
    metadata = {name: one.metadata for name, one in reached.items() if one.metadata is not None}
    named = _names(settings)
    yield from topics.alike({name: topics.partition_counts(one, named) for name, one in metadata.items()})
    ids = {one.cluster_id for one in metadata.values()}
    if len(metadata) > 1 and len(ids) == 1:
        names = " and ".join(metadata)
        yield Checks(Subject.CONFIGURATION).bad(
            "clusters",
            f"{names} are one and the same cluster (id {ids.pop()}): a switch between them would damage both.",
            "Correct bootstrap of one of them.",
        )


def _names(settings: Settings) -> list[str]:
    return [topic.name for topic in wanted(settings)]


def _untold(question: Question, error: Exception) -> Checkup:
    if not isinstance(error, KafkalertError | TimeoutError):
        _LOG.debug("the check of %s failed", " ".join(filter(None, question)), exc_info=error)
    return Checks(question.subject, question.cluster).untold(question.name, error)
