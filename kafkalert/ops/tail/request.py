"""What an operator asks `tail` for."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from kafkalert.config.pipeline import OUTBOUND, WORDS
from kafkalert.config.sections import Cluster, Settings
from kafkalert.config.stages import topic_names
from kafkalert.errors import UsageError
from kafkalert.ops.offsets import Position, parse_position, parse_time
from kafkalert.ops.tail.grep import Grep

DEFAULT_COUNT: Final = 10


@dataclass(frozen=True, slots=True)
class Request:
    """Which records to show.

    `count` None is all of them; `since` and `until` bound them. `following` goes on with what comes later.
    """

    cluster: Cluster
    topics: tuple[str, ...]
    count: int | None
    since: Position | None = None
    until: Position | None = None
    following: bool = False
    conditions: tuple[Grep, ...] = ()

    @classmethod
    def parse(
        cls,
        settings: Settings,
        *,
        channels: Sequence[str] = (),
        topics: Sequence[str] = (),
        count: int | None = None,
        since: str | None = None,
        until: str | None = None,
        following: bool = False,
        grep: Sequence[str] = (),
        cluster: str | None = None,
    ) -> "Request":
        """Return what the command line says. Raises UsageError."""
        if until is not None and following:
            raise UsageError("-f goes on for ever and --until ends it.", hint="Leave one of them out.")
        for channel in channels:
            if channel not in WORDS:
                raise UsageError(
                    f"There is no channel {channel!r}.",
                    hint=f"Choose from {', '.join(WORDS)}; --topic NAME shows any topic.",
                )
        if not all(topics):
            raise UsageError("--topic wants a name.", hint="`kafkalert topics plan` lists the pipeline's.")
        wanted = [settings.topic(WORDS[word]) for word in channels] + [topic_name(settings, topic) for topic in topics]
        if not wanted:
            wanted = [settings.topic(name) for name in OUTBOUND.values()]  # every alert once
        return cls(
            cluster=chosen_cluster(settings, cluster),
            topics=tuple(dict.fromkeys(wanted)),
            count=DEFAULT_COUNT if count is None and since is None else count,
            since=None if since is None else when(since),
            until=None if until is None else when(until),
            following=following,
            conditions=tuple(map(Grep.parse, grep)),
        )


def topic_name(settings: Settings, name: str) -> str:
    """Return the topic that `name` means: one that is called so here, else the pipeline's of that name, else any."""
    here = own_topics(settings)
    return name if name in here or name not in topic_names() else settings.topic(name)


def own_topics(settings: Settings) -> dict[str, str]:
    """Return the pipeline's topics' own names (docs/topics.md), by what they are called here."""
    return {settings.topic(name): name for name in topic_names()}


def chosen_cluster(settings: Settings, name: str | None) -> Cluster:
    """Return the cluster that the context has by this name, the active one for None. Raises UsageError."""
    if name is None:
        return settings.active
    known = settings.context.clusters
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"Did you mean {near[0]}?" if near else f"It has {' and '.join(known)}."
        raise UsageError(f"Context {settings.context.name} has no cluster {name!r}.", hint=hint)
    return settings.clusters[name]


def when(text: str) -> Position:
    """Return a position, or a time without its `@`: `-1h`, `1h`, `2026-01-31T08:00`. Raises UsageError."""
    for reading in (parse_position, parse_time, lambda ago: parse_time(f"-{ago}")):
        try:
            return reading(text)
        except UsageError:
            continue
    return parse_position(text)
