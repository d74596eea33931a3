"""One round: two clusters with stages, bookings and faults, by a plan; and whether all held."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any, Final

from kafkalert.config.sections import Drill
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.reading import DEAD
from tests.support.twin import NAMES
from torture import oracle
from torture.bank import Bank
from torture.faults import Faults, Stages
from torture.journal import Journal
from torture.network import Network
from torture.operations import Operator
from torture.plan import LEAST_LEGS, Kind, Leg, Plan
from torture.topics import Topics

INSTANCES: Final = 4
"""Two workers, a second machine's alerting, a bridge."""
_CANARY: Final = Drill().account
"""The account that a drill's entries are of; their ids begin with it."""
_WRONG_WORDS: Final = ("Traceback (most recent call last)", "Fatal Python error", "This is a bug", "a bug in kafkalert")


class Round:
    """Runs a plan; what is wrong stands in the journal."""

    def __init__(self, sandbox: Sandbox, network: Network, bank: Bank, plan: Plan, journal: Journal) -> None:
        self._bank = bank
        self._plan = plan
        self._journal = journal
        self._topics = Topics(bank.sites)
        self._stages = Stages(bank, network, journal)
        self._faults = Faults(bank, sandbox, network, self._stages, journal)
        self.operator = Operator(bank, network, self._faults, journal, self._topics)
        self._written: Counter[str] = Counter()
        self.legs = 0
        """How many have ended."""

    @property
    def counts(self) -> dict[str, int]:
        """How much was done, and what was left out of the plan."""
        return {
            "legs": self.legs,
            "legs left out": len(self._plan.legs) - self.legs,
            "entries": len(self._bank.sent),
            "alerts": len(self._bank.wanted),
            **self.operator.counts,
            **{what: self._faults.counts[what] for what in ("faults", "faults left out")},
        }

    def run(self) -> None:
        """All legs that begin in time, at least the first ones; the first that does not hold is the last."""
        with closing(self._topics):
            self._bank.begin(self._journal, self._plan.rate)
            self._stages.ensure()
            self._settled("start")
            began = monotonic()
            for number, leg in enumerate(self._plan.legs, 1):
                if number > LEAST_LEGS and monotonic() - began > self._plan.seconds:
                    self._journal.say("the time is over")
                    break
                self._leg(number, leg)
                self.legs = number
                if self._journal.failures:
                    self._stages.dump()
                    return
        self._judge()

    def _judge(self) -> None:
        """A round that did nothing proves nothing."""
        least = {"legs": LEAST_LEGS, "alerts": 1, "planned": 1, "forced": 1}
        for what, count in least.items():
            if self.counts[what] < count:
                self._journal.fail(
                    f"the round has {self.counts[what]} {what}; it proves nothing with fewer than {count}"
                )

    def _leg(self, number: int, leg: Leg) -> None:
        self._journal.say(f"leg {number}: {leg.kind}, stages on {self._bank.active}")
        began, over = monotonic(), Event()
        faults = Thread(target=self._watched, args=(partial(self._faults.run, leg.faults, began, over),), daemon=True)
        self._bank.feeding(on=True)
        faults.start()
        self._watched(partial(self.operator.run, leg.kind, leg.operations, began))
        if self._journal.failures:
            over.set()
        faults.join(5 * SECONDS)
        if faults.is_alive():
            self._journal.fail("what was broken could not be mended")
        self._watched(partial(self._end, number, leg.kind))

    def _watched(self, action: Callable[[], None]) -> None:
        """Do it; what goes wrong with it is a failure of the round."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - whatever it is, the round has failed and says why
            self._journal.fail(f"{type(error).__name__}: {str(error)[:4000]}")

    def _end(self, number: int, kind: Kind) -> None:
        """Heal, wait until all is quiet, and look."""
        self.operator.heal()
        self._stages.check()
        self._stages.ensure()
        self.operator.flows()
        if self._journal.failures:
            return
        self._bank.feeding(on=False)
        for one in self._bank.others:
            one.join(SECONDS)
        self._settled(f"leg {number}")
        self._quiet()
        self._probe()
        for told in self._wrong(kind):
            self._journal.fail(f"leg {number}: {told}")
        self._read_logs()
        self._journal.say(f"leg {number} ended: {len(self._bank.sent)} entries, {len(self._written)} alerts")

    def _settled(self, when: str) -> None:
        """Wait until one cluster is active, and every instance runs there and is seen to."""
        shown: dict[str, Any] = {}

        def so() -> bool:
            self._stages.check()
            told = self.operator.command("failover", "-o", "json", may=frozenset({0, 1, 3, 4}))
            shown.clear()
            shown.update(told.shape)
            alive = [one for one in shown.get("instances", ()) if one["presence"] == "alive"]
            places = {(one["cluster"], one["epoch"], one["state"]) for one in alive}
            view = self._bank.log.view()
            return (
                told.code == 0
                and view.pending is None
                and len(alive) == INSTANCES
                and places == {(shown["active"], shown["epoch"], "running")}
                and (view.active, view.epoch) == (shown["active"], shown["epoch"])
            ) or bool(self._journal.failures)

        if not wait_until(so, 2 * SECONDS, every=0.5):
            self._journal.fail(f"{when}: stages do not all run on one cluster: {json.dumps(shown)[:3000]}")

    def _quiet(self) -> None:
        """Wait until every entry is processed, and everything lies on both clusters."""
        bank = self._bank
        for site in bank.sites.values():
            site.flush()
        bank.sites[bank.active].alertings = []  # which of them runs is known here
        bank.await_alerts()
        waits = {
            "entries": lambda: self._entries("dc1") == self._entries("dc2"),
            "changing": lambda: not bank.lacking(set(bank.alerts.written())) or not bank.alerts.pump(),
            "alerts": lambda: self._alerts("dc1") == self._alerts("dc2"),
            "tables": lambda: self._topics.table("dc1") == self._topics.table("dc2"),
        }
        for what, so in waits.items():
            if not wait_until(so, SECONDS, every=0.2):
                self._journal.say(f"{what}: not equal after {SECONDS:.0f} s")
        bank.sites[bank.active].await_processed()

    def _entries(self, cluster: str) -> set[str]:
        return {one.id for one in self._topics.entries(cluster)}

    def _alerts(self, cluster: str) -> set[str]:
        self._bank.alerts.pump(whole=True)
        return {one.output.id for one in self._bank.alerts.seen if one.cluster == cluster}

    def _probe(self) -> None:
        """Rows that changed are in force now, each the newest of its key."""
        wanted = self._bank.probe()
        if not wait_until(lambda: not self._bank.alerts.missing(wanted), SECONDS, every=0.1):
            self._journal.fail(f"{len(self._bank.alerts.missing(wanted))} of {len(wanted)} alerts by the newest rows")
        entries = {one.output.entry for one in self._bank.alerts.seen if one.output.id in wanted}
        got = {one.output.id for one in self._bank.alerts.seen if one.output.entry in entries}
        if got - wanted:
            self._journal.fail(f"{len(got - wanted)} alerts by rows that are not in force any more")
        self._bank.sites[self._bank.active].await_processed()
        wait_until(lambda: self._alerts("dc1") == self._alerts("dc2"), SECONDS, every=0.2)

    def _wrong(self, kind: Kind) -> list[str]:
        """Everything that does not hold."""
        bank = self._bank
        bank.alerts.pump(whole=True)
        seen = bank.alerts.seen
        written = bank.alerts.written()
        history = sorted((one for one in bank.log.view().history if one.event == "COMMIT"), key=lambda one: one.epoch)
        stays = [oracle.Stay("dc1", 0, forced=False)]
        stays += [oracle.Stay(one.target, one.at, one.mode == "forced") for one in history]
        entries = {name: self._topics.entries(name) for name in NAMES}
        missing = bank.alerts.missing(bank.wanted)
        lacking = bank.lacking(set(written))
        found = [f"{len(missing)} alerts are missing"] if missing else []
        found += [f"{len(lacking)} entries of changing accounts were not alerted"] if lacking else []
        if kind is Kind.CALM:
            found += oracle.repeated(self._written, written)
        ours = {one.output.id for one in seen if one.native and not one.output.entry.startswith(_CANARY)}
        found += oracle.uncalled(ours, bank.allowed())
        found += oracle.differing(seen)
        found += oracle.disordered(seen, entries, stays)
        found += oracle.on_both(seen, stays)
        found += oracle.unequal({name: self._entries(name) for name in NAMES}, "entries")
        found += oracle.unequal({name: self._alerts(name) for name in NAMES}, "alerts")
        found += oracle.unequal({name: self._topics.table(name).items() for name in NAMES}, "rows of tables")
        dead = {name: bank.held(name, DEAD) for name in NAMES}
        found += [f"dead letters: {dead}"] if any(dead.values()) else []
        self._written = written
        return found

    def _read_logs(self) -> None:
        """No process wrote a traceback."""
        for log in sorted(Path(self._bank.folder).glob("*.log")):
            text = log.read_text(encoding="utf-8", errors="replace")
            for words in _WRONG_WORDS:
                if words in text:
                    at = text.index(words)
                    self._journal.fail(f"{log.name}: {text[at : at + 1500]}")
