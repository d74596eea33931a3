"""What operators and other systems do in a round, and whether what they are told is true."""

import json
import signal
from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import Any, Final

from kafkalert.config.names import ACCOUNTENTRY
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.reading import ENTRIES
from tests.support.twin import NAMES
from torture.bank import Bank
from torture.commands import BOUND_SECONDS, Running, Told
from torture.faults import Faults
from torture.journal import Journal
from torture.network import Network
from torture.plan import Kind, Step
from torture.topics import Topics

_ANY: Final = frozenset({0, 1, 3, 4, 5, 6, 130})
"""What a command may end with while something is broken."""
_SLOW: Final = frozenset({4})
_HEARD_SECONDS: Final = 1.5
"""What was written longer ago than this is known from a heartbeat."""
_PAUSE_SECONDS: Final = 0.05
_TRIES: Final = 8
"""How often a command is repeated that says what keeps it."""
_WORDS_OF_A_BUG: Final = ("Traceback (most recent call last)", "This is a bug", "a bug in kafkalert")


class Operator:
    """Does the operations of a leg, one after the other."""

    def __init__(self, bank: Bank, network: Network, faults: Faults, journal: Journal, topics: Topics) -> None:
        self._bank = bank
        self._config = network.config(bank.path, "operator")
        self._mirror_config = network.config(bank.path, "mirror")
        self._faults = faults
        self._journal = journal
        self._topics = topics
        self._mend: Callable[[], None] | None = None
        self._broken = ""
        self._before: set[str] = set()
        self.away = False
        """Stages were forced away from a cluster, whose stranded records were not carried over yet."""
        self.counts = dict.fromkeys(("planned", "forced", "drills", "commands", "uncrossed", "carried"), 0)

    def run(self, kind: Kind, steps: tuple[Step, ...], began: float) -> None:
        """All of a leg."""
        self._kind = kind
        for step in steps:
            Event().wait(max(0.0, began + step.at - monotonic()))
            self._journal.say(f"operation: {step}")
            what = step.what.split(maxsplit=1)
            action = getattr(self, f"_do_{what[0]}")
            action(step)

    def command(self, *arguments: str, may: frozenset[int] = frozenset({0})) -> Told:
        """A command to its end. Where a cluster was too slow to answer (4), which changes nothing, it is repeated."""
        told = self._ended(self._begun(*arguments), may | _SLOW)
        for _ in range(_TRIES):
            if told.code in may or told.code not in _SLOW:
                return told
            told = self._ended(self._begun(*arguments), may | _SLOW)
        self._journal.fail(f"{' '.join(arguments[:4])}: status {told.code}, time and again: {told.said.strip()[-600:]}")
        return told

    def _begun(self, *arguments: str) -> Running:
        return Running(self._journal, self._config, arguments)

    def _ended(self, running: Running, may: frozenset[int]) -> Told:
        told = running.told()
        self.counts["commands"] += 1
        said = " ".join(told.arguments[:4])
        if told.code not in may:
            self._journal.fail(f"{said}: status {told.code}: {told.said.strip()[-600:]}")
        for words in _WORDS_OF_A_BUG:
            if words in told.said:
                self._journal.fail(f"{said}: {words!r}: {told.said.strip()[-1500:]}")
        self._true(told)
        return told

    def _true(self, told: Told) -> None:
        """What a switch says of its outcome is what the control logs say."""
        shape = told.shape
        if "outcome" not in shape or "epoch" not in shape or shape["outcome"] in {"unknown", "not done (dry run)"}:
            return
        events = {one.event for one in self._bank.log.view().history if one.id == shape["id"]}
        switched = shape["outcome"].startswith("switched")
        stands = switched or shape["outcome"] == "COMMIT"  # as `failover cancel` tells what it was too late for
        if not wait_until(lambda: self._committed(shape["id"]) == stands, 10, every=0.1):
            self._journal.fail(f"told {shape['outcome']!r} of epoch {shape['epoch']}, the logs have {events}")
        if switched:
            self.counts[shape["mode"]] += 1
        if switched and shape["mode"] == "planned" and shape["loss"]["lost"] != 0:
            self._journal.fail(f"a planned switch says that it lost {shape['loss']}")

    def _committed(self, attempt: str) -> bool:
        return any(one.id == attempt and one.event == "COMMIT" for one in self._bank.log.view().history)

    @property
    def _may(self) -> frozenset[int]:
        """Switches succeed where nothing is broken; somebody's open transaction may call one off."""
        calm = self._kind is Kind.CALM and not any(one.is_alive() for one in self._bank.others)
        return frozenset({0}) if calm else _ANY

    def _to(self) -> str:
        return self._bank.cluster("passive")

    def _do_switch(self, _step: Step) -> None:
        may = self._may
        self.command("failover", "--to", self._to(), "--yes", "-o", "json", may=may if not self.away else _ANY)

    def _do_amid(self, step: Step) -> None:
        """A switch while another system writes to its target: what was processed lies there between what was not."""
        to = self._to()
        running, until = self._begun("failover", "--to", to, "--yes", "-o", "json"), monotonic() + BOUND_SECONDS
        while not running.wait(_PAUSE_SECONDS) and monotonic() < until:
            self._bank.straight(to, step.number, 0)
        self._ended(running, self._may | _SLOW if not self.away else _ANY)

    def _do_dry(self, _step: Step) -> None:
        self.command("failover", "--to", self._to(), "--dry-run", "-o", "json", may=self._may | {3})

    def _do_drill(self, _step: Step) -> None:
        told = self.command("failover", "drill", "--yes", "-o", "json", may=self._may)
        self.counts["drills"] += 1
        if self._kind is Kind.CALM and told.code == 0 and told.shape["verdict"] != "OK":
            self._journal.fail(f"a drill: {told.shape['problems']}")

    def _do_two(self, _step: Step) -> None:
        """Two operators at once; one of them is told who was first."""
        to = self._to()
        both = [self._begun("failover", "--to", to, "--yes", "-o", "json", "--reason", who) for who in ("one", "other")]
        told = [self._ended(one, self._may | _SLOW | {0, 5}) for one in both]
        if self._may == {0} and not any(one.code in _SLOW | {0} for one in told):
            self._journal.fail("two operators at once, and neither moved the stages")

    def _do_killed(self, step: Step) -> None:
        self._broken_off(step, signal.SIGKILL)

    def _do_interrupted(self, step: Step) -> None:
        self._broken_off(step, signal.SIGINT)

    def _broken_off(self, step: Step, number: signal.Signals) -> None:
        """A switch whose command is ended somewhere on its way; another operator cleans up."""
        running = self._begun("failover", "--to", self._to(), "--yes", "--timeout", "10", "-o", "json")
        if not running.wait(step.seconds):
            running.send(number)
        may = self._may | _SLOW | {-number, 130}
        self._ended(running, may)
        self._cancel()

    def _do_cancelled(self, step: Step) -> None:
        """A switch that somebody else calls off on its way, or too late."""
        running = self._begun("failover", "--to", self._to(), "--yes", "-o", "json")
        running.wait(step.seconds)
        self._cancel()
        self._ended(running, self._may | _SLOW | {1, 5})

    def _cancel(self) -> None:
        """Call off what is under way, if there is anything."""
        self.command("failover", "cancel", "--yes", "-o", "json", may=_ANY)
        if not wait_until(lambda: self._bank.log.view().pending is None, SECONDS, every=0.1):
            self._journal.fail(f"a switch stays pending: {self._bank.log.view().pending}")

    def _do_straight(self, step: Step) -> None:
        self._bank.straight(self._bank.cluster(step.on[0]), step.number, step.shift)

    def _do_transaction(self, step: Step) -> None:
        commit = step.what.endswith("committed")
        self._bank.transaction(self._bank.cluster(step.on[0]), step.number, step.seconds, commit=commit)

    def _do_partition(self, step: Step) -> None:
        """A topic gets one more partition, on both clusters, as `topics apply` adds them."""
        self._bank.add_partition(step.on[0])

    def _do_rows(self, step: Step) -> None:
        self._bank.change_settings(step.number)

    def _do_seed(self, step: Step) -> None:
        """A row by `seed`, which goes to the active cluster; only if that is where the row belongs."""
        if NAMES[step.number % 2] != self._bank.active:
            self._bank.change_settings(step.number)
            return
        _, customer, row = self._bank.change(step.number)
        file = self._bank.folder / "row.ndjson"
        file.write_text(json.dumps({"key": {"id": customer}, "value": row}) + "\n", encoding="utf-8")
        told = self.command("seed", "settings", str(file), "--yes", may=self._may)
        if told.code != 0:  # nobody knows whether the row is there; the next one is the newest for sure
            self._bank.change_settings(step.number)

    def _do_break(self, step: Step) -> None:
        """The active cluster goes away."""
        self._broken = self._bank.active
        self._before = self._topics.native_records(self._broken)
        Event().wait(_HEARD_SECONDS)
        self._mend = self._faults.site(self._broken, step.what.rpartition(" ")[2])

    def _do_force(self, step: Step) -> None:
        """Move away from it. A command that was killed, or says what it could not do, is repeated."""
        (to,) = (one for one in NAMES if one != self._broken)
        order = ("failover", "--to", to, "--force", "--accept-loss", "--yes", "-o", "json")
        may = frozenset({0, 1, 4, 5, 6})
        for number in range(step.number):
            running = self._begun(*order)
            if not running.wait(step.seconds / (number + 1)):
                running.send(signal.SIGKILL)
            self._ended(running, may | {-signal.SIGKILL})
        for _ in range(_TRIES):
            told = self.command(*order, may=may)
            self.away = self.away or self._bank.active == to
            if told.code == 0:
                return
            Event().wait(5)
        self._journal.fail(f"stages could not be forced to {to}: {told.said[-600:]}")

    def _do_return(self, step: Step) -> None:
        """The old cluster is back; killed on its way, reconcile is run again until all is carried over."""
        self.heal()
        self.flows()
        if not self.away:
            return
        source = self._bank.cluster("passive")
        self._bank.feeding(on=False)
        for site in self._bank.sites.values():
            site.flush()
        self._lost(source)
        for number in range(step.number):
            running = self._begun(*self._reconcile(source))
            if not running.wait(step.seconds + number):
                running.send(signal.SIGKILL)
            self._ended(running, frozenset({0, 5, -signal.SIGKILL}))
        if wait_until(lambda: self._reconciled(source), SECONDS, every=2.0):
            self.away = False
        else:
            self._journal.fail(f"{source} could not be reconciled")
        self._bank.feeding(on=True)

    def _reconcile(self, source: str, *more: str) -> tuple[str, ...]:
        return ("failover", "reconcile", "--from", source, *(more or ("--yes",)), "-o", "json")

    def _reconciled(self, source: str) -> bool:
        """Whether nothing is stranded any more; the counts on the way have to be those of the topics."""
        looked = self.command(*self._reconcile(source, "--dry-run"), may=frozenset({0, 1, 3, 5}))
        if looked.code == 5 and "crosses by itself" in looked.said:
            return True
        if looked.code in {0, 3}:
            counted = {one["topic"]: one["carry"] for one in looked.shape["topics"] if one["source"] == source}
            told = counted.get(self._bank.dc1.topic(ENTRIES), 0)
            stranded = len(self._topics.stranded_places(source))
            if told != stranded:
                self._journal.fail(f"reconcile says {told} of {ACCOUNTENTRY} are stranded on {source}, {stranded} are")
        done = self.command(*self._reconcile(source), may=frozenset({0, 1, 5}))
        if done.code == 0:
            self.counts["carried"] += done.shape["carried"]
            if done.shape["carry"] != done.shape["carried"]:
                self._journal.fail(f"reconcile carried {done.shape['carried']} of {done.shape['carry']}")
        return done.code == 0

    def _lost(self, source: str) -> None:
        """What a forced switch said may be lost, or done again, is no less than what was.

        What the bridge sent again, and so wrote to both, is neither: it is not lost, and not in the number.
        """
        commit = self._bank.log.view().commit
        if commit is None or commit.mode != "forced":
            return
        told: dict[str, Any] = commit.detail.get("lost", {})
        real = {
            "records": len(self._before & self._topics.stranded(source)),
            "again": len(self._bank.again(source, commit.at) - self._topics.on_both()),
        }
        self.counts["uncrossed"] += real["records"]
        for what, count in real.items():
            self._journal.say(f"forced away from {source}: {what}: told at most {told.get(what)}, it was {count}")
            if told.get(what) is not None and told[what] < count:
                self._journal.fail(f"a forced switch said at most {told[what]} ({what}); it was {count}")

    def heal(self) -> None:
        """What was broken by an operation is whole again."""
        if self._mend is not None:
            self._mend()
        self._mend = None

    def flows(self) -> None:
        """Both flows run, but for one that has to stay stopped until reconcile."""

        def run() -> bool:
            # From where the workers are: they reach the clusters by links of their own.
            self._ended(Running(self._journal, self._mirror_config, ("mirror", "apply", "--yes")), _ANY)
            told = self.command("mirror", "status", "-o", "json", may=frozenset({0, 1, 3, 4, 5}))
            states = [one["state"] for one in json.loads(told.out or "[]")]
            return states.count("running") >= (1 if self.away else 2)

        if not wait_until(run, SECONDS, every=1.0):
            self._journal.fail("the mirror does not come back")
