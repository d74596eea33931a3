"""A drill from beginning to end: canaries, there, back, and what became of it all."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.config import names
from kafkalert.config.pipeline import TABLES
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import KafkalertError
from kafkalert.model.ids import AlertId
from kafkalert.ops.failover.drill.canaries import Canaries
from kafkalert.ops.failover.drill.order import DrillAudience, DrillOrder
from kafkalert.ops.failover.drill.verdict import NOT_OK, OK, Leg, Report, Sent, Sight, count, problems_of
from kafkalert.ops.failover.drill.watching import Watching
from kafkalert.ops.failover.drill.writing import Writing, put
from kafkalert.ops.failover.result import (
    VERSION,
    InterruptedSwitchError,
    NotSwitchedError,
    Outcome,
    Result,
    UnknownSwitchError,
)
from kafkalert.ops.failover.status.survey import patient_survey
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch.checks import check_planned
from kafkalert.ops.failover.switch.order import Order
from kafkalert.ops.failover.switch.switching import Audience, look_again, switch

FIRST_SECONDS: Final = 10.0
"""How long the first alert of a canary may take; its rows have to come to the tables before."""
QUIET_SECONDS: Final = 1.0
"""For how long canaries come before a switch and after it."""
READ_SECONDS: Final = 5.0
"""How long a switch that was decided may take to be read here as well."""
SEEN_SECONDS: Final = 10.0
"""How long the last alerts of a leg may take until they are on both clusters."""


def drill(settings: Settings, order: DrillOrder, audience: DrillAudience, clock: Clock | None = None) -> Report:
    """Move all stages to the other cluster and back, and tell what became of the canaries meanwhile.

    Raises:
        RefusedError: a check forbids it; or what `audience.approve` raises. Nothing was changed.
        UnreachableError: a cluster does not answer. Nothing was changed.
        KafkalertError: the canary's rows cannot be written.
    """
    time = clock or SystemClock()
    with Watch(settings, time) as watch:
        found = patient_survey(settings, watch, time)
        audience.show(found)
        target = order.target or next(name for name in settings.context.clusters if name != found.active)
        check_planned(settings, found, target)
        audience.approve(_changes(settings, found.active, target))
        look_again(watch, Order(target, order.timeout, order.reason, order.by), (found.active, found.epoch))
        return _Drill(settings, order, audience, watch, time, home=found.active, target=target).run()


def _changes(settings: Settings, home: str, target: str) -> list[str]:
    rows = " and ".join(settings.topic(name) for name in TABLES)
    return [
        f"write a row each to {rows}, for the account {settings.drill.account}, which is no customer's",
        f"write ten entries of it a second to {settings.topic(names.ACCOUNTENTRY)}, for the address under [drill]",
        f"move all stages from {home} to {target}, and back to {home}, each as a planned switch",
        "remove the rows at the end",
    ]


@dataclass(frozen=True, slots=True)
class _Went:
    """A leg as it went; `result` is missing where the switch did not begin."""

    source: str
    target: str
    result: Result | None
    problem: str


class _Drill:
    """One drill that was agreed to."""

    def __init__(
        self,
        settings: Settings,
        order: DrillOrder,
        audience: DrillAudience,
        watch: Watch,
        clock: Clock,
        *,
        home: str,
        target: str,
    ) -> None:
        self._settings = settings
        self._order = order
        self._audience = audience
        self._watch = watch
        self._clock = clock
        self._home, self._target = home, target
        self._id = uuid.uuid4().hex[:12]
        self._canaries = Canaries(settings, self._id)
        self._sights = Watching(settings, self._canaries.start, clock)
        self._writing = Writing(settings, self._canaries, watch.control, clock)
        self._legs: list[_Went] = []
        self._problems: list[str] = []
        self._unknown = self._interrupted = False
        self._began = clock.monotonic()

    def run(self) -> Report:
        """There and back. Raises KafkalertError where the rows cannot be written or nothing can be watched."""
        self._sights.start()
        try:
            put(self._settings.clusters[self._home], self._canaries.rows())
            self._writing.start()
            self._fly()
            self._writing.stop()
            if not self._interrupted:
                self._await_seen(len(self._legs))
        except KeyboardInterrupt:
            self._interrupted = True
        finally:
            self._clean_up()
        return self._report()

    def _fly(self) -> None:
        """Both legs; whatever comes in between, back home again, unless the switch away did not happen."""
        try:
            if not self._sights.wait_for(lambda: bool(self._sights.sights()), FIRST_SECONDS):
                self._problems.append(f"No canary was alerted on {self._home} within {FIRST_SECONDS:g} s.")
                return
            self._fly_to(self._home, self._target)
        except KeyboardInterrupt:
            self._interrupted = True
        went = self._legs[-1].result if self._legs else None
        if went is not None and went.active == self._target and not self._unknown:
            self._fly_to(self._target, self._home)

    def _fly_to(self, source: str, target: str) -> None:
        """One leg, with canaries before and behind it."""
        self._writing.leg = len(self._legs) + 1
        self._audience.say(f"From {source} to {target}:")
        reason = "drill, there" if target == self._target else "drill, back"
        more = f": {self._order.reason}" if self._order.reason else ""
        order = Order(target, self._order.timeout, reason + more, self._order.by)
        audience = Audience(_nothing, _nothing, self._audience.progress, self._audience.say)
        result: Result | None = None
        problem = "It was interrupted."
        try:
            self._sights.wait_for(_never, 0 if self._interrupted else QUIET_SECONDS)
            result = switch(self._settings, order, audience, self._clock)
            problem = " ".join([*(f"{instance} does not run there." for instance in result.missing), *result.problems])
        except NotSwitchedError as error:
            result, problem = error.result, str(error)
            self._interrupted |= isinstance(error, InterruptedSwitchError)
            self._unknown |= isinstance(error, UnknownSwitchError)
        except KafkalertError as error:
            problem = str(error)
        finally:
            self._legs.append(_Went(source, target, result, problem))
        if result is None or result.active != target:
            return
        control, epoch = self._watch.control, result.epoch
        control.changed.wait_for(lambda: control.view().epoch >= epoch, READ_SECONDS)
        self._interrupted |= result.interrupted
        if not self._interrupted:
            self._sights.wait_for(_never, QUIET_SECONDS)
        if not self._interrupted and target == self._target:  # at home they are awaited once no more are written
            self._await_seen(len(self._legs))

    def _await_seen(self, leg: int) -> None:
        """Wait until every canary of a leg that was sent so far is accounted for, at most SEEN_SECONDS."""
        sent = [canary for canary in self._writing.sent if canary.leg == leg]

        def all_seen() -> bool:
            counted = count(sent, self._writing.answered, self._sights.sights())
            return not (counted.unanswered or counted.lost or counted.one_sided)

        if leg:
            self._sights.wait_for(all_seen, SEEN_SECONDS)

    def _clean_up(self) -> None:
        """Remove the rows where stages run now; the mirror carries that. A second ctrl-c does not stop it."""
        for _ in range(2):
            try:
                self._writing.stop()
                put(self._settings.clusters[self._watch.control.view().active], self._canaries.tombstones())
            except KeyboardInterrupt:
                self._interrupted = True
                continue
            except KafkalertError as error:
                self._problems.append(f"{error} They do no harm, and the next drill removes them.")
            break
        self._sights.close()

    def _report(self) -> Report:
        active = self._watch.control.view().active
        sights = self._sights.sights()
        legs = tuple(
            self._leg(went, [canary for canary in self._writing.sent if canary.leg == number], sights)
            for number, went in enumerate(self._legs, 1)
        )
        problems = [*self._problems, *filter(None, [self._writing.problem]), *problems_of(legs, self._home, active)]
        if self._interrupted:
            problems.insert(0, "It was interrupted.")
        return Report(
            version=VERSION,
            context=self._settings.context.name,
            drill=self._id,
            verdict=NOT_OK if problems else OK,
            home=self._home,
            active=active,
            legs=legs,
            seconds=round(self._clock.monotonic() - self._began, 3),
            problems=tuple(problems),
            unknown=self._unknown,
            interrupted=self._interrupted,
        )

    def _leg(self, went: _Went, sent: Sequence[Sent], sights: Mapping[AlertId, Sequence[Sight]]) -> Leg:
        result = went.result
        counted = count(sent, self._writing.answered, sights)
        if result is None:
            return Leg(went.source, went.target, Outcome.ABORTED, None, 0.0, None, {}, counted, went.problem)
        return Leg(
            went.source,
            went.target,
            result.outcome,
            result.epoch,
            result.seconds,
            result.pause,
            result.steps,
            counted,
            went.problem,
        )


def _never() -> bool:
    return False


def _nothing(_: object) -> None:
    """Ask nothing: it was shown and agreed to before."""
