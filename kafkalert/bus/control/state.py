"""What the control logs of both clusters say together: where things run, and what an instance may do. Pure.

A log is a list that only grows, and all who read it see the same first record: that is the whole of the agreement.
Which log decides is fixed by the event, so that there is never a vote between clusters:

- A planned switch is decided by the log of its *source*, the cluster that is left. It is there that everybody reads
  who still works there, and who may not read it any more stops within the lease. The first PREPARE of an epoch is
  the attempt, the first COMMIT or ABORT with its epoch and id the outcome; whatever comes later is void.
- A forced switch is decided by the log of its *target*: the source is gone, or must be taken as gone.
- What stands in the other log is a copy, made by somebody who had seen it win. It counts where the deciding log
  was not read or has lost it, so that one living cluster is enough to learn what was decided.

Of one epoch forced wins over planned. The highest epoch with a COMMIT says where things run. An epoch that was aborted
is used up. Two attempts of one epoch need two operators who saw different clusters active, which only a forced switch
brings about; see `_attempt`.

More knowledge never takes a commit away: what is learnt later is a higher epoch, or another commit of the same one
after two forced switches. So `View.epoch` never falls while logs only grow, and no instance has to go back.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.plausible import begins

Logs = Mapping[str, Sequence[Event]]
"""For each cluster whose log was read, its events in the log's order. A cluster that was never read is absent."""


@dataclass(frozen=True, slots=True)
class View:
    """What the logs say.

    Attributes:
        epoch: of the switch that decides; 0 before any.
        active: the cluster on which things run.
        commit: the event that made it so; None before any switch.
        pending: PREPARE of the attempt that is to be settled next; None if there is none.
        history: the events that won, by epoch, PREPARE before its outcome.
        next_epoch: the first in which nobody has begun a switch.
    """

    epoch: int
    active: str
    commit: Event | None
    pending: Event | None
    history: tuple[Event, ...]
    next_epoch: int


@dataclass(frozen=True, slots=True)
class _Attempt:
    prepare: Event
    outcome: Event | None

    @property
    def events(self) -> tuple[Event, ...]:
        return (self.prepare,) if self.outcome is None else (self.prepare, self.outcome)


def resolve(logs: Logs, home: str) -> View:
    """Return what `logs` say together; `home` is active at epoch 0."""
    epochs: dict[int, dict[str, list[Event]]] = defaultdict(lambda: {name: [] for name in logs})
    for name, log in logs.items():
        for event in log:
            epochs[event.epoch][name].append(event)
    epoch, active = 0, home
    commit: Event | None = None
    pending: Event | None = None
    history: list[Event] = []
    for number in sorted(epochs):
        won = _winners(epochs[number], active)
        history += won
        if won and won[-1].event == "COMMIT":
            epoch, active, commit, pending = number, won[-1].target, won[-1], None
        elif won and won[-1].event == "PREPARE":
            pending = pending or won[-1]  # the lowest first: it may still be committed
    # An outcome without its PREPARE uses nothing up: it decides nothing, and nobody copies it to the other log.
    used = max((event.epoch for log in logs.values() for event in log if begins(event)), default=0)
    return View(epoch, active, commit, pending, tuple(history), 1 + used)


def _winners(logs: Logs, active: str) -> tuple[Event, ...]:
    """Return the events of one epoch that count, `active` being the cluster before it."""
    forced = _forced(logs)
    if forced is not None:
        return (forced,)
    attempt = _attempt(logs, active)
    return attempt.events if attempt is not None else ()


def _forced(logs: Logs) -> Event | None:
    """Return the forced COMMIT that counts: of each target the first in its own log, else a copy.

    Of two of them the one with the lowest id counts.
    """
    found: dict[str, Event] = {}
    for own in (True, False):
        for name, log in sorted(logs.items()):
            for event in log:
                if event.mode == "forced" and (event.target == name) is own:
                    found.setdefault(event.target, event)
    return min(found.values(), key=lambda event: (event.id, event.target), default=None)


_STANDING: Final = {"COMMIT": 0, None: 1, "ABORT": 2}


def _attempt(logs: Logs, active: str) -> _Attempt | None:
    """Return the planned attempt that counts.

    Of two from different sources: a committed one, because some may run by it already; else one that is open, because
    it may still be committed; else, and between equals, the one whose source was active; else the lowest id.
    """
    attempts: list[_Attempt] = []
    planned = {name: [event for event in log if event.mode == "planned"] for name, log in logs.items()}
    for source in sorted({event.source for log in planned.values() for event in log}):
        own = [event for event in planned.get(source, ()) if event.source == source]
        copies = [event for name in sorted(planned) if name != source for event in planned[name]]
        both = [*own, *(event for event in copies if event.source == source)]
        prepare = next((event for event in both if event.event == "PREPARE"), None)
        if prepare is not None:
            outcomes = (event for event in both if event.event != "PREPARE" and event.id == prepare.id)
            attempts.append(_Attempt(prepare, next(outcomes, None)))
    return min(
        attempts,
        key=lambda attempt: (
            _STANDING[attempt.outcome.event if attempt.outcome else None],
            attempt.prepare.source != active,
            attempt.prepare.id,
        ),
        default=None,
    )


def lacking(logs: Logs, view: View) -> dict[str, list[Event]]:
    """Return what each read cluster's log does not have of what was decided, in order.

    A cluster that has all is absent.

    That is the events that won; and how an attempt ended that lost its epoch to another one, where its PREPARE was
    copied before that was known: alone, this log would say that it is under way. To be written there, in this order: an
    outcome without its PREPARE says nothing.
    """
    ended = _ended(logs)
    missing: dict[str, list[Event]] = {}
    for name, log in logs.items():
        there = {_identity(event) for event in log}  # by its key alone a false copy would keep the right one out
        begun = {event.key[:2] for event in log if event.event == "PREPARE"}
        wanted = [*view.history, *(event for key, event in ended.items() if key in begun)]
        lacks = {_identity(event): event for event in wanted if _identity(event) not in there}
        if lacks:
            missing[name] = sorted(lacks.values(), key=lambda event: event.epoch)
    return missing


def _ended(logs: Logs) -> dict[tuple[int, str], Event]:
    """Return the first outcome of each attempt in the log of its source."""
    found: dict[tuple[int, str], Event] = {}
    for name, log in logs.items():
        for event in log:
            if event.mode == "planned" and event.event != "PREPARE" and event.source == name:
                found.setdefault((event.epoch, event.id), event)
    return found


def _identity(event: Event) -> tuple[object, ...]:
    return (*event.key, event.mode, event.source, event.target)


def remarks(logs: Logs) -> tuple[Event, ...]:
    """Return what is told by an ABORT of an attempt that nobody began, by epoch.

    It decides nothing, and nobody copies it.
    """
    begun = {event.key[:2] for log in logs.values() for event in log if begins(event)}
    every = (event for log in logs.values() for event in log if event.event == "ABORT")
    told = {event.key: event for event in every if event.key[:2] not in begun}
    return tuple(sorted(told.values(), key=lambda event: (event.epoch, event.at, event.id)))


class Duty(NamedTuple):
    """What an instance has to do now.

    Attributes:
        do: "process" on `cluster` in `epoch`; "prepare": stop at a commit boundary, acknowledge `attempt`, and wait;
            "hold": touch nothing until this changes.
        cluster: the one that is active.
        epoch: in which it is.
        attempt: PREPARE to be acknowledged, with "prepare".
        why: for "hold", in words, as a heartbeat says it.
    """

    do: Literal["process", "prepare", "hold"]
    cluster: str
    epoch: int
    attempt: Event | None = None
    why: str = ""


def duty(view: View, *, settled: bool, fresh: bool, epoch: int = 0, acknowledged: Event | None = None) -> Duty:
    """Return what an instance may do by `view`.

    Args:
        view: what it has read.
        settled: it has read enough to begin at all; see `lease.settled`.
        fresh: it has read lately; see `lease.fresh`.
        epoch: the highest that it has ever processed in. It never goes below.
        acknowledged: the PREPARE that it acknowledged last: until this has an outcome nothing is processed.
    """

    def hold(why: str) -> Duty:
        return Duty("hold", view.active, view.epoch, None, why)

    if not settled:
        return hold("the control logs have not been read yet")
    if view.epoch < epoch:
        return hold(f"the control log has lost epoch {epoch}")
    if view.pending is not None and view.pending.source == view.active:
        return Duty("prepare", view.active, view.epoch, view.pending)
    if acknowledged is not None and not decided(view, acknowledged):
        return hold(f"the switch of epoch {acknowledged.epoch} is not decided")
    if not fresh:
        return hold(f"{view.active}'s control log cannot be reached")
    return Duty("process", view.active, view.epoch)


def same_switch(view: View, other: View) -> bool:
    """Whether the same commit says where things run."""
    return (view.commit and view.commit.key) == (other.commit and other.commit.key)


def decided(view: View, attempt: Event) -> bool:
    """Whether `attempt` (its PREPARE) has its outcome: its own, or that of an epoch not below it."""
    return view.epoch >= attempt.epoch or _last(view.history, attempt.epoch) == "ABORT"


def outcome(view: View, epoch: int, attempt_id: str) -> Event | None:
    """Return the COMMIT or ABORT that won for an attempt; None if it has none, or another attempt won its epoch."""
    return next(
        (event for event in view.history if event.key[:2] == (epoch, attempt_id) and event.event != "PREPARE"), None
    )


def _last(events: Iterable[Event], epoch: int) -> str | None:
    return next((event.event for event in reversed(tuple(events)) if event.epoch == epoch), None)


def given_up(view: View) -> frozenset[str]:
    """Return the clusters that were left by force since the last planned move, where records may be stranded.

    A planned move needs both flows, and a forced COMMIT that says `stays` moved nothing.
    """
    left: set[str] = set()
    for event in view.history:
        if event.event == "COMMIT" and event.mode == "planned":
            left.clear()
        elif event.event == "COMMIT" and not event.detail.get("stays"):
            left.add(event.source)
    return frozenset(left)
