"""What goes wrong in the middle of a planned switch: one cluster is active in the end, and the operator is told so.

Bookings come in all the while, and every alert of theirs is written once, or at least once where a stage is killed.
"""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import takewhile
from pathlib import Path

import psutil
import pytest
from confluent_kafka import TopicPartition

from kafkalert.ops.failover.switch.context import listed
from kafkalert.ops.failover.switch.progress_log import Step
from kafkalert.sandbox.cleanup import data_folder
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import Identity, identify, wait_until
from tests.support.alerting import SECONDS, Alerting
from tests.support.data.rows import debit
from tests.support.reading import ENTRIES
from tests.support.twin import NAMES, Twin, twins

pytestmark = pytest.mark.two_clusters

RATE = 100


class Shared:
    """A bank whose stages all survive what tests do, and where they run at the moment."""

    def __init__(self, bank: Twin) -> None:
        self.bank = bank
        self.running = [bank.alerting(), bank.alerting(state="second"), bank.bridge()]
        bank.await_running(*self.running, on="dc1")

    @property
    def active(self) -> str:
        """Where stages run."""
        return self.bank.log.view().active

    @property
    def other(self) -> str:
        """Where they may go."""
        return next(one for one in NAMES if one != self.active)

    def unmoved(self, was: str, epoch: int) -> None:
        """Prove that everything runs there, in that epoch, and nothing was lost or done twice."""
        self.bank.settled(was, epoch, *self.running)
        self.bank.verify(*NAMES)


@pytest.fixture(scope="module")
def shared(sandbox2: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """One for all tests that end no stage."""
    with twins(sandbox2, "shared.", tmp_path_factory.mktemp("shared")) as make:
        yield Shared(make())


@pytest.fixture
def twin(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Callable[[], Twin]]:
    """Makes the test's own bank on both."""
    with twins(sandbox2, prefix, tmp_path) as make:
        yield make


@contextmanager
def at_prepare(bank: Twin, do: Callable[[], object]) -> Iterator[None]:
    """Within the block, `do` is done as soon as a PREPARE is read: on the thread that reads it, so at once."""
    seen: list[str] = []

    def look() -> None:
        pending = bank.log.view().pending
        if pending is not None and not seen:
            seen.append(pending.id)
            do()

    bank.log.subscribe(look)
    yield
    assert seen
    seen.append("over")


@contextmanager
def frozen(process: Alerting) -> Iterator[Callable[[], None]]:
    """A stage that hangs, so that a switch cannot be decided; what is called thaws it, as the block's end does."""
    thaw = partial(process.send, signal.SIGCONT)
    process.send(signal.SIGSTOP)
    try:
        yield thaw
    finally:
        thaw()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit status of a command, and what it said."""
    _, said = process.communicate(timeout=SECONDS)
    return process.returncode, said


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 130)],
)
def test_the_command_ends_before_it_decides(shared: Shared, number: signal.Signals, status: int) -> None:
    """Killed, instances call the attempt off when its time is over.

    After ctrl-c, SIGTERM, and where the terminal closes the command does so itself.
    """
    bank, was, epoch = shared.bank, shared.active, shared.bank.log.view().epoch
    attempt = bank.log.view().next_epoch
    with bank.feed(RATE):
        with (
            frozen(shared.running[-1]),
            bank.begun("failover", "--to", shared.other, "--yes", "--timeout", "2") as command,
            at_prepare(bank, lambda: command.send_signal(number)),
        ):
            code, said = ended(command)
        assert code == status
        abort = bank.await_event(lambda one: (one.epoch, one.event) == (attempt, "ABORT"))
        if number is signal.SIGKILL:
            assert abort.reason == "timeout"
        else:
            assert "The switch was called off. Interrupted by ctrl-c." in said
            assert abort.reason == "Interrupted by ctrl-c."
        bank.await_running(*shared.running, on=was, epoch=epoch)
    shared.unmoved(was, epoch)


def test_two_operators_at_once(shared: Shared) -> None:
    """One of them moves the stages, the other is told who was first."""
    bank, to = shared.bank, shared.other
    with bank.feed(RATE), frozen(shared.running[-1]) as thaw:  # neither is through before the other one has come
        one, two = (bank.begun("failover", "--to", to, "--yes", "--reason", who) for who in ("first", "second"))
        with one, two:
            assert wait_until(lambda: one.poll() is not None or two.poll() is not None, SECONDS, every=0.1)
            thaw()
            ends = sorted([ended(one), ended(two)])
    assert [code for code, _ in ends] == [0, 5], ends
    said = ends[1][1]
    assert any(words in said for words in ("was first", "is under way")), said
    view = bank.log.view()
    assert [one.event for one in view.history if one.epoch == view.epoch] == ["PREPARE", "COMMIT"]
    bank.settled(to, view.epoch, *shared.running)
    bank.verify(*NAMES)


def test_a_mirror_that_stands_still(shared: Shared) -> None:
    """Stopped before, the switch is refused; hanging from then on, it is called off when its time is over."""
    bank, was, to, epoch = shared.bank, shared.active, shared.other, shared.bank.log.view().epoch
    worker = process_of(bank.sandbox, f"mirror-{to}")

    def hang() -> None:
        os.killpg(worker.pid, signal.SIGSTOP)
        bank.sites[was].book(debit("NL00", f"late-{epoch}"))  # so that something has to cross; nobody wants an alert
        bank.sites[was].flush()
        thaw()

    bank.flow(was).stop()
    with bank.feed(RATE):
        done = bank.command("failover", "--to", to, "--yes")
        assert (done.returncode, bank.log.view().pending) == (5, None)
        assert f"The mirror from {was} to {to} is not running: stopped" in done.stderr
        bank.flow(was).resume()
        with frozen(shared.running[-1]) as thaw:
            command = bank.begun("failover", "--to", to, "--yes", "--timeout", "3")
            with command, at_prepare(bank, hang):
                code, said = ended(command)
        os.killpg(worker.pid, signal.SIGCONT)
        assert code == 1
        assert "The switch was called off. It took longer than 3 s: " in said
        assert "to carry" in said
        assert f"Everything goes on on {was}." in said
        bank.await_running(*shared.running, on=was, epoch=epoch)
    shared.unmoved(was, epoch)


def test_the_old_cluster_hangs_when_it_is_to_take_commit(shared: Shared) -> None:
    """Status 6, as nobody can know; when it answers again there is one outcome, and everything goes by that."""
    bank, was, to, epoch = shared.bank, shared.active, shared.other, shared.bank.log.view().epoch
    attempt = bank.log.view().next_epoch
    stood = bank.sites[was].client("kafkalert.late")
    stood.commit(offsets=[TopicPartition(*one, 0) for one in bank.sites[was].places(ENTRIES)], asynchronous=False)
    stood.close()
    # A member on the other cluster keeps the switch from writing its group's offset, until it is told to go.
    member = bank.sites[to].client("kafkalert.late")
    member.subscribe([bank.sites[to].topic(ENTRIES)])
    assert wait_until(lambda: member.poll(0.1) is not None or bool(member.assignment()), SECONDS, every=0)
    with bank.feed(RATE):
        with bank.begun("failover", "--to", to, "--yes") as command:
            assert command.stderr is not None
            said = list(takewhile(lambda line: not line.startswith(Step.PLACES), command.stderr))
            bank.sandbox.pause(was)
            try:
                member.close()
                code, rest = ended(command)
            finally:
                bank.sandbox.resume(was)
        assert code == 6, [*said, rest]
        assert f"{was} did not say whether it took COMMIT." in rest
        assert "`kafkalert failover` tells, once it answers" in rest
        first = bank.await_event(lambda one: one.epoch == attempt and one.event != "PREPARE")
        active, newest = (to, first.epoch) if first.event == "COMMIT" else (was, epoch)
        bank.await_running(*shared.running, on=active, epoch=newest)
    shared.unmoved(active, newest)


def test_stages_come_and_go_in_the_middle(twin: Callable[[], Twin]) -> None:
    """One hangs over it all and wakes later, one is killed, one stopped, one started: the switch is made."""
    bank = twin()
    stays, hangs, killed, stopped = (bank.alerting(state=name) for name in ("stays", "hangs", "killed", "stopped"))
    bridge = bank.bridge()
    bank.await_running(stays, hangs, killed, stopped, bridge, on="dc1")
    names = {pid: one["instance"] for pid, one in bank.beats.newest().items()}
    started: list[Alerting] = []

    def disturb() -> None:
        killed.kill()
        stopped.send(signal.SIGTERM)
        started.append(bank.alerting(state="started"))

    with bank.feed(RATE):
        psutil.Process(hangs.pid).suspend()
        with at_prepare(bank, disturb):
            told = bank.switch("dc2")
        psutil.Process(hangs.pid).resume()
        here = [stays, hangs, bridge, *started]
        bank.await_running(*here, on="dc2", epoch=1)
    assert stopped.process.wait(SECONDS) == 0
    assert told["missing"] == []
    assert (told["loss"]["lost"], told["loss"]["repeated"]) == (0, None)
    (said,) = told["loss"]["words"]
    assert f"what {listed([names[hangs.pid], names[killed.pid]])} had not committed" in said
    bank.settled("dc2", 1, *here)
    bank.verify(*NAMES, once=False)
    commit = bank.await_event(lambda one: one.event == "COMMIT")
    assert [one for one in bank.alerts.native_records("dc1") if one.at > commit.at] == []
    for one in here:
        assert one.stop() == 0


def test_restarted_before_its_first_commit_on_the_other_cluster(twin: Callable[[], Twin]) -> None:
    """It begins where the switch has put its group, and not where it was on the first cluster."""
    bank = twin()
    alerting, bridge = bank.alerting(), bank.bridge()
    bank.await_running(alerting, bridge, on="dc1")
    with bank.feed(RATE):
        assert wait_until(lambda: bank.alerts.pump() > RATE, SECONDS, every=0.1)
        assert alerting.stop() == 0
        assert bank.switch("dc2")["loss"]["repeated"] == 0
        stand = bank.sites["dc2"].alerting()
        bank.await_running(stand, on="dc2", epoch=1)
        stand.kill()
        again = bank.alerting()
        bank.await_running(again, bridge, on="dc2", epoch=1)
    bank.settled("dc2", 1, again, bridge)
    bank.verify(*NAMES, once=False)
    assert len([one for one in bank.alerts.written().values() if one > 1]) <= 10 * RATE
    for one in (again, bridge):
        assert one.stop() == 0


def test_an_instance_that_sees_one_cluster(twin: Callable[[], Twin]) -> None:
    """It does nothing, as it cannot know where stages run; who switches is told that it is in the way."""
    bank = twin()
    alerting, bridge = bank.alerting(), bank.bridge()
    blind = bank.alerting(state="blind", config=bank.config("blind.toml", dc2="127.0.0.1:1"))
    bank.await_running(alerting, bridge, on="dc1")
    with bank.feed(RATE):
        assert wait_until(lambda: blind.pid in bank.beats.newest(), SECONDS, every=0.1)
        name = bank.beats.newest()[blind.pid]["instance"]
        seen = json.loads(bank.command("failover", "-o", "json").stdout)["notes"]
        assert [one.partition(";")[0] for one in seen if "heard" in one] == [f"alerting {name} is not heard on dc2"]
        done = bank.command("failover", "--to", "dc2", "--yes", "--timeout", "2")
        assert done.returncode == 1
        assert f"It took longer than 2 s: waiting for {name}. Everything goes on on dc1." in done.stderr
        assert bank.beats.newest()[blind.pid]["totals"]["entries"] == 0
        assert blind.stop() == 0
        bank.switch("dc2")
    bank.settled("dc2", 2, alerting, bridge)
    bank.verify(*NAMES)
    for one in (alerting, bridge):
        assert one.stop() == 0


def process_of(sandbox: Sandbox, name: str) -> Identity:
    """A component's process."""
    identity = Identity.read(data_folder(sandbox.folder) / name / "pid")
    assert identity is not None
    assert identify(identity.pid) is not None
    return identity
