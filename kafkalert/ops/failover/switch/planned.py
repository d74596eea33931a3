"""The planned switch: nothing is lost and nothing done twice, or it is called off and everything goes on as it was."""

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import KafkaException

from kafkalert.bus.cause import said
from kafkalert.bus.control.event import Event
from kafkalert.bus.control.event import Step as Kind
from kafkalert.bus.control.state import outcome
from kafkalert.bus.records.partitions import parse_partition
from kafkalert.errors import DeniedError, KafkalertError, RefusedError
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.failover.positions.planned_positions import PlannedPositions
from kafkalert.ops.failover.result import (
    BeatenError,
    CalledOffError,
    InterruptedSwitchError,
    NotSwitchedError,
    Outcome,
    Result,
    UnknownSwitchError,
)
from kafkalert.ops.failover.status.history import moved
from kafkalert.ops.failover.switch.cancel import BACK_SECONDS, WRITE_SECONDS, abort_of, copy
from kafkalert.ops.failover.switch.checks import check_size
from kafkalert.ops.failover.switch.context import SwitchContext, listed
from kafkalert.ops.failover.switch.order import LONGEST, Order
from kafkalert.ops.failover.switch.outcome import (
    SwitchAttempt,
    await_running,
    dead_target,
    ended_as,
    planned_loss,
    result,
)
from kafkalert.ops.failover.switch.progress_log import Step
from kafkalert.ops.failover.switch.readiness import Readiness
from kafkalert.ops.wording import counted, harmless

CARRIED_A_SECOND: Final = 5000
"""Records that the mirror carries in a second at the least, once it has to."""
_STEP_SECONDS: Final = 0.02


class Planned:
    """One attempt, from its checks' end to its own. `positions` follows both clusters already; `gone`: see the loss."""

    def __init__(
        self, context: SwitchContext, order: Order, positions: PlannedPositions, *, source: str, gone: Sequence[str]
    ) -> None:
        self._context = context
        self._order = order
        self._positions = positions
        self._source, self._target, self._gone = source, order.target, gone
        self._clock, self._progress_log, self._control = context.clock, context.progress_log, context.watch.control
        clusters = context.settings.clusters
        self._old, self._new = (Groups(context.settings, clusters[name]) for name in (source, order.target))
        self._readiness = Readiness(context.watch.watcher, target=order.target, clock=context.clock)
        self._id = uuid.uuid4().hex
        self._epoch = 0
        self._began = 0.0
        self._deadline = float("inf")
        self._waiting_for = ""
        self._interrupted = self._begun = False
        self._problems: list[str] = []

    def look(self) -> None:
        """Read both clusters, as a switch would, and see whether the mirror can be waited for.

        Raises RefusedError where it cannot, KafkalertError where a cluster cannot be read.
        """
        with self._progress_log.step(Step.READ):
            self._read()

    def run(self) -> Result:
        """Switch.

        Raises:
            RefusedError: somebody else was first, or PREPARE is denied.
            NotSwitchedError: it was called off; everything goes on where it was.
            UnknownSwitchError: nobody knows.
        """
        with self._progress_log.step(Step.READ):
            self._read()
        try:
            with self._progress_log.step(Step.PREPARE):
                self._prepare()
            self._until_commit()
        except BeatenError as error:
            self._withdraw()
            raise RefusedError(str(error), hint="`kafkalert failover` shows it.") from None
        except BaseException as error:
            if isinstance(error, UnknownSwitchError) or (isinstance(error, DeniedError) and not self._begun):
                raise
            self._call_off(error)
        try:
            self._problems += filter(None, [copy(self._control, self._event("COMMIT", {}))])
        except KeyboardInterrupt:
            self._interrupted = True
        self._interrupted |= not await_running(self._context, self._readiness)
        ended, missing = ended_as(self._readiness)
        self._problems += (dead := dead_target(self._context, self._attempt(), ended))
        return self._result(ended, missing, self._target if dead else "")

    def _read(self) -> None:
        """Do what can be done while stages still work: read, and make the target's group coordinator ready."""
        names = self._old.names()
        self._new.committed(names)  # makes __consumer_offsets where it is not there yet
        read = self._positions.await_read(lambda text: self._progress_log.note(Step.READ, text))
        if (behind := self._positions.behind()) > self._order.timeout * CARRIED_A_SECOND:
            raise RefusedError(
                f"The mirror's backlog is {counted(behind, 'record')}, too much for {self._order.timeout:g} s.",
                hint="Wait until it has caught up (`kafkalert mirror status`), or give it more time with --timeout.",
            )
        self._progress_log.note(Step.READ, counted(read, "record"))

    def _prepare(self) -> None:
        view = self._control.view()
        self._epoch = view.next_epoch
        self._began = self._clock.monotonic()
        self._deadline = self._began + self._order.timeout
        self._readiness.begin(self._id, self._epoch)
        event = self._event("PREPARE", {"timeoutSeconds": self._order.timeout})
        self._control.write(self._source, event, WRITE_SECONDS)
        self._begun = True
        if not self._control.await_event(self._source, self._epoch, self._id, "PREPARE", BACK_SECONDS):
            raise CalledOffError(f"{self._source} did not confirm PREPARE.")
        view = self._control.view()
        pending = view.pending
        if pending is None or pending.id != self._id:
            who = f"{harmless(pending.by)} was first" if pending else "somebody else was first"
            raise BeatenError(f"Another switch is under way: {who}. This one did nothing.")
        # The two logs cannot be read at one instant: what the other one said may have come only now.
        if view.active != self._source:
            meanwhile = f"Stages run on {view.active} meanwhile, not on {self._source}{moved(view.commit)}"
            raise BeatenError(f"{meanwhile}. This one did nothing.")
        self._readiness.read_back()

    def _withdraw(self) -> None:
        """End an attempt that has an epoch of its own: nobody else would, until its time is over."""
        if all(event.epoch != self._epoch or event.id == self._id for event in self._control.view().history):
            self._abort("somebody else was first")

    def _until_commit(self) -> None:
        progress_log = self._progress_log
        with progress_log.step(Step.STOP):
            self._await(self._stopped, Step.STOP)
        with progress_log.step(Step.DRAIN):
            self._positions.stopped()
            self._await(self._drained, Step.DRAIN)
        with progress_log.step(Step.PLACES):
            committed = self._old.committed(self._old.names())
            detail = self._positions.detail(committed, self._old.skip_ends(committed))
            check_size(self._event("COMMIT", detail))
        with progress_log.step(Step.OFFSETS):
            self._write_offsets(detail["groups"])
        with progress_log.step(Step.COMMIT):
            self._look()
            self._commit(detail)

    def _stopped(self) -> str:
        """Empty once nobody works on the old cluster any more."""
        groups = [group for group in self._old.attendance(self._old.names()).values() if not group.is_empty]
        members = sum(group.members for group in groups)
        if working := self._readiness.working(members):
            return f"waiting for {listed(working)}"
        # Who hangs stays a member for as long as its client beats to the group.
        return f"members in {listed([group.group for group in groups])}" if members > self._readiness.excused() else ""

    def _drained(self) -> str:
        """Empty once everything that must cross has."""
        left = self._positions.left()
        return f"{counted(left, 'record')} to carry{self._positions.obstacle()}" if left else ""

    def _write_offsets(self, groups: dict[str, dict[str, Any]]) -> None:
        def empty() -> str:
            members = [group.group for group in self._new.attendance(sorted(groups)).values() if not group.is_empty]
            return f"members in {listed(members)} on {self._target}" if members else ""

        self._await(empty, Step.OFFSETS)
        for group, places in groups.items():
            self._new.move(
                group, {parse_partition(word): place["offset"] for word, place in places.items()}, epoch=self._epoch
            )

    def _commit(self, detail: dict[str, Any]) -> None:
        seconds = round(self._clock.monotonic() - self._began, 3)
        event = self._event("COMMIT", {**detail, "seconds": seconds, "lost": {}})
        try:
            self._control.write(self._source, event, WRITE_SECONDS)
            self._control.await_event(self._source, self._epoch, self._id, "COMMIT", BACK_SECONDS)
        except KeyboardInterrupt:
            self._interrupted = True
        first = self._outcome()
        if first is None:  # whichever of the two is first is what counts
            self._abort("the answer to COMMIT never came")
            first = self._outcome()
        if first is None:
            raise UnknownSwitchError(
                f"{self._source} did not say whether it took COMMIT.",
                self._result(Outcome.UNKNOWN),
                hint="`kafkalert failover` tells, once it answers; instances stand still or go on by what it holds.",
            )
        if first.event == "ABORT":
            raise CalledOffError(_called_off_by(first))

    def _await(self, left: Callable[[], str], step: Step) -> None:
        """Wait until `left` says nothing any more, within the attempt's time."""
        while said_left := left():
            self._waiting_for = said_left
            self._look()
            self._progress_log.note(step, said_left)
            self._context.watch.watcher.wait(_STEP_SECONDS)
        self._waiting_for = ""
        self._progress_log.note(step, "")
        self._look()

    def _look(self) -> None:
        """Tell how instances are. Raises CalledOffError where the attempt is over."""
        self._progress_log.see(self._readiness.look())
        first = self._outcome()
        if first is not None:
            raise CalledOffError(_called_off_by(first))
        if self._control.view().epoch >= self._epoch:
            raise CalledOffError(f"A forced switch was first{moved(self._control.view().commit)}.")
        if self._clock.monotonic() > self._deadline:
            waiting = f": {self._waiting_for}" if self._waiting_for else ""
            raise CalledOffError(f"It took longer than {self._order.timeout:g} s{waiting}.")

    def _call_off(self, error: BaseException) -> None:
        """Write ABORT and raise what there is to say; returns only if COMMIT turns out to have been first."""
        interrupted = isinstance(error, KeyboardInterrupt)
        why = "Interrupted by ctrl-c." if interrupted else _sentence(error)
        first = self._outcome()
        if first is None:
            with suppress(KeyboardInterrupt):  # a second one does not change what has to be done
                self._abort(why)
                copy(self._control, self._event("ABORT", {}))
            first = self._outcome()
        if first is not None and first.event == "COMMIT":
            self._interrupted |= interrupted
            return
        if not (interrupted or isinstance(error, KafkalertError | KafkaException | TimeoutError)):
            raise error  # a bug; the attempt is called off, and the error boundary says the rest
        self._progress_log.see(self._readiness.look())
        goes_on = f"Everything goes on on {self._source}."
        if first is None:
            goes_on = f"{self._source} did not confirm that; instances call it off themselves and go on there."
        kind = InterruptedSwitchError if interrupted else NotSwitchedError
        hint = getattr(error, "hint", "") or "`kafkalert failover` shows how things are; try again when it is mended."
        raise kind(f"The switch was called off. {why.rstrip('.')}. {goes_on}", self._result(Outcome.ABORTED), hint=hint)

    def _abort(self, why: str) -> None:
        prepare = self._event("PREPARE", {})
        try:
            self._control.write(self._source, abort_of(prepare, self._order.by, why, self._clock), WRITE_SECONDS)
        except KafkalertError as error:
            self._problems.append(str(error))
            return
        self._control.await_event(self._source, self._epoch, self._id, "ABORT", BACK_SECONDS)

    def _outcome(self) -> Event | None:
        return outcome(self._control.view(), self._epoch, self._id)

    def _event(self, kind: Kind, detail: dict[str, Any]) -> Event:
        now, reason = self._clock.wall_ms(), self._order.reason[:LONGEST]
        return Event(
            self._epoch, self._id, kind, "planned", self._source, self._target, self._order.by, now, reason, detail
        )

    def _attempt(self) -> SwitchAttempt:
        return SwitchAttempt(self._order, self._source, self._epoch, self._id)

    def _result(self, ended: Outcome, missing: tuple[str, ...] = (), dead: str = "") -> Result:
        return result(
            self._context,
            self._attempt(),
            self._readiness,
            ended,
            missing=missing,
            loss=planned_loss(self._readiness.uncommitted(), self._gone, dead),
            problems=self._problems,
            interrupted=self._interrupted,
        )


def _called_off_by(first: Event) -> str:
    return f"{harmless(first.by)} called it off{f' ({harmless(first.reason)})' if first.reason else ''}."


def _sentence(error: BaseException) -> str:
    """Return what went wrong, in a sentence; of a bug only its kind, as its message may hold anything."""
    return said(error) if isinstance(error, KafkalertError | KafkaException) else f"A bug: {type(error).__name__}."
