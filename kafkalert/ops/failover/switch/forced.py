"""The forced switch: the old cluster is dead or hangs, and the operator accepts what that may lose."""

import uuid
from dataclasses import replace
from typing import Final

from confluent_kafka import KafkaException

from kafkalert.bus.cause import said
from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import connector_name
from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import outcome
from kafkalert.errors import KafkalertError, RefusedError
from kafkalert.ops.failover.positions.forced_estimate import ForcedEstimate
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.failover.result import (
    InterruptedSwitchError,
    NotSwitchedError,
    Outcome,
    Result,
    UnknownSwitchError,
)
from kafkalert.ops.failover.switch.cancel import BACK_SECONDS, WRITE_SECONDS
from kafkalert.ops.failover.switch.context import SwitchContext, listed
from kafkalert.ops.failover.switch.order import LONGEST, Order
from kafkalert.ops.failover.switch.outcome import SwitchAttempt, await_running, ended_as, result
from kafkalert.ops.failover.switch.progress_log import Step
from kafkalert.ops.failover.switch.readiness import Readiness
from kafkalert.ops.wording import harmless

_EMPTY_SECONDS: Final = 5.0
_WORKER_SECONDS: Final = 2.0
_STEP_SECONDS: Final = 0.02


class Forced:
    """One forced switch away from `source`, by what `estimate` found. It never asks that cluster anything.

    Where stages stay, `source` is the other cluster, which they stop waiting for.
    """

    def __init__(self, context: SwitchContext, order: Order, estimate: ForcedEstimate, *, source: str) -> None:
        self._context = context
        self._order = order
        self._estimate = estimate
        self._source, self._target = source, order.target
        self._clock, self._progress_log, self._control = context.clock, context.progress_log, context.watch.control
        self._groups = Groups(context.settings, context.settings.clusters[order.target])
        self._readiness = Readiness(context.watch.watcher, target=order.target, clock=context.clock)
        self._id = uuid.uuid4().hex
        self._epoch = 0
        self._problems: list[str] = []
        self._interrupted = False

    def run(self) -> Result:
        """Switch.

        Raises:
            NotSwitchedError: the target did not take it; stages are where they were.
            UnknownSwitchError: nobody knows.
        """
        self._epoch = self._control.view().next_epoch
        self._readiness.begin("", self._epoch)
        try:
            if self._estimate.stops_flow:
                with self._progress_log.step(Step.FLOW):
                    self._stop_flow()
            if not self._estimate.stays:
                with self._progress_log.step(Step.OFFSETS):
                    self._write_offsets()
        except (KafkalertError, KafkaException, KeyboardInterrupt) as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            why = said(error) if isinstance(error, Exception) else "Interrupted."
            kind = InterruptedSwitchError if interrupted else NotSwitchedError
            resume = "; or have the flow go on with `kafkalert mirror apply --resume`"
            otherwise = "" if self._estimate.stays else resume
            raise kind(
                f"Nothing was switched: {why} The flow from {self._source} to {self._target} may be stopped.",
                self._result(Outcome.ABORTED),
                hint=f"Try again{otherwise}.",
            ) from error
        with self._progress_log.step(Step.COMMIT):
            self._commit()
        self._interrupted |= not await_running(self._context, self._readiness)
        return self._result(*ended_as(self._readiness))

    def _stop_flow(self) -> None:
        """So that the old cluster, when it returns, does not push what was stranded on it."""
        name = connector_name(self._source, self._target, self._context.settings.context.prefix)
        try:
            Connect(self._context.settings.clusters[self._target], seconds=_WORKER_SECONDS).stop(name)
        except KafkalertError as error:
            self._problems.append(
                f"The flow from {self._source} to {self._target}, connector {name}, could not be stopped "
                f"({str(error).rstrip('.')}). Before {self._source} returns: start the worker beside "
                f"{self._target}, and repeat this command."
            )
            self._progress_log.fail(Step.FLOW, "its worker does not take it")

    def _write_offsets(self) -> None:
        offsets = self._estimate.offsets()
        give_up = self._clock.monotonic() + _EMPTY_SECONDS
        while members := [
            attendance.group
            for attendance in self._groups.attendance(sorted(offsets)).values()
            if not attendance.is_empty
        ]:
            if self._clock.monotonic() > give_up:
                raise RefusedError(
                    f"{listed(members)} has members on {self._target}: somebody works there already.",
                    hint="`kafkalert failover` shows who.",
                )
            self._progress_log.note(Step.OFFSETS, f"members in {listed(members)}")
            self._context.watch.watcher.wait(_STEP_SECONDS)
        for group, places in offsets.items():
            self._groups.move(group, places, epoch=self._epoch)

    def _commit(self) -> None:
        detail = {**self._estimate.detail(), "seconds": round(self._clock.monotonic() - self._progress_log.began, 3)}
        event = Event(
            self._epoch,
            self._id,
            "COMMIT",
            "forced",
            self._source,
            self._target,
            self._order.by,
            self._clock.wall_ms(),
            self._order.reason[:LONGEST],
            detail,
        )
        refused = ""
        try:
            self._control.write(self._target, event, WRITE_SECONDS)
            self._control.await_event(self._target, self._epoch, self._id, "COMMIT", BACK_SECONDS)
        except KeyboardInterrupt:
            self._interrupted = True
            self._control.await_event(self._target, self._epoch, self._id, "COMMIT", BACK_SECONDS)
        except KafkalertError as error:
            refused = str(error)
        view = self._control.view()
        if outcome(view, self._epoch, self._id) is not None:
            return
        if refused:
            raise NotSwitchedError(
                f"{self._target} refused COMMIT: {refused}", self._result(Outcome.ABORTED), hint="Mend that; try again."
            )
        if view.epoch >= self._epoch and view.commit is not None:
            raise NotSwitchedError(
                f"{harmless(view.commit.by)} was first: stages run on {view.active} since epoch {view.epoch}.",
                self._result(Outcome.ABORTED),
                hint="`kafkalert failover` shows where they run.",
            )
        raise UnknownSwitchError(
            f"{self._target} did not say whether it took COMMIT.",
            self._result(Outcome.UNKNOWN),
            hint="`kafkalert failover` tells, once it answers.",
        )

    def _result(self, ended: Outcome, missing: tuple[str, ...] = ()) -> Result:
        attempt = SwitchAttempt(self._order, self._source, self._epoch, self._id)
        found = result(
            self._context,
            attempt,
            self._readiness,
            ended,
            missing=missing,
            loss=self._estimate.loss,
            problems=self._problems,
            interrupted=self._interrupted,
        )
        return replace(found, active=self._target) if self._estimate.stays else found
