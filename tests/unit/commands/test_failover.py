"""`kafkalert failover`: what it orders by its options, how it is ended, and what it says of how that went."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kafkalert.commands import signals
from kafkalert.commands.failover import app
from kafkalert.commands.invocation import Invocation
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.ops.failover.drill import drilling
from kafkalert.ops.failover.reconcile import reconciling
from kafkalert.ops.failover.status import survey
from kafkalert.ops.failover.switch import switching
from kafkalert.ops.failover.switch.order import Order
from tests.support.data.picture import SURVEY
from tests.unit.ops.failover.switch.test_progress_log import DONE

SETTINGS = Settings(
    context=Context(name="test", clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")},
)


def failover(*arguments: str) -> Result:
    """The command to its end, in a context of dc1 and dc2."""
    return CliRunner().invoke(app, arguments, obj=Invocation(loaded=SETTINGS))


@pytest.fixture
def surveyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages run on dc1, in epoch 3, and all is well."""
    monkeypatch.setattr(switching, "Watch", lambda *_: nullcontext())
    monkeypatch.setattr(switching, "survey", lambda *_, **__: SURVEY)
    monkeypatch.setattr(switching, "patient_survey", lambda *_: SURVEY)


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """The orders that are given; each is carried out at once."""
    orders: list[Order] = []

    def switch(_settings: Settings, order: Order, *_: object) -> Any:  # noqa: ANN401 - as the real one
        orders.append(order)
        return replace(DONE, target=order.target)

    monkeypatch.setattr(switching, "switch", switch)
    return orders


@pytest.mark.usefixtures("surveyed")
@pytest.mark.parametrize("more", [(), ("--force", "--accept-loss"), ("--dry-run",)], ids=" ".join)
def test_stages_that_are_there_already_are_left_alone(more: Sequence[str]) -> None:
    """So that automation can repeat an order: status 0, a sentence, and its own outcome for programs; no question."""
    people = failover("--to", "dc1", *more)
    assert people.exit_code == 0, people.stderr
    assert people.stderr.splitlines()[-1] == "Stages run on dc1 already, epoch 3; nothing was changed."
    programs = failover("--to", "dc1", *more, "-o", "json")
    assert programs.exit_code == 0
    told = json.loads(programs.stdout)
    assert (told["outcome"], told["active"], told["target"], told["epoch"]) == ("already there", "dc1", "dc1", 3)
    assert (told["id"], told["steps"], told["missing"]) == ("", {}, [])


@pytest.mark.parametrize(
    ("given", "seconds"),
    [((), 30.0), (("--timeout", "45s"), 45.0), (("--timeout", "2m"), 120.0), (("--timeout", "7"), 7.0)],
)
def test_a_duration_becomes_the_orders_timeout(ordered: list[Order], given: Sequence[str], seconds: float) -> None:
    done = failover("--to", "dc2", *given, "--yes")
    assert done.exit_code == 0, done.stderr
    assert [one.timeout for one in ordered] == [seconds]
    assert "Stages run on dc2, epoch 3." in done.stderr


def test_programs_get_a_list_of_groups_also_where_nobody_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "look", lambda _: replace(SURVEY, groups=None))
    assert json.loads(failover("-o", "json").stdout)["groups"] == []
    assert "?" in failover().stdout


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The signals that nobody took, which would have ended this process; afterwards they mean what they meant."""
    numbers: list[int] = []
    monkeypatch.setattr(signals, "_STREAMS", ())  # where tests are shown on a terminal, it stays
    before = {one: signal.signal(one, lambda number, _: numbers.append(number)) for one in ENDS}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


ENDS = (signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        (switching, "switch", ("--to", "dc2")),
        (drilling, "drill", ("drill",)),
        (reconciling, "reconcile", ("reconcile", "--from", "dc1")),
    ],
    ids=["switch", "drill", "reconcile"],
)
def test_what_was_agreed_to_is_ended_as_by_ctrl_c(
    monkeypatch: pytest.MonkeyPatch,
    heard: list[int],
    number: signal.Signals,
    module: object,
    name: str,
    arguments: Sequence[str],
) -> None:
    """By SIGTERM and a terminal that closes, so that it calls off what it has begun; before, they just end it."""
    seen: list[str] = []

    def run(_settings: Settings, _order: object, audience: Any) -> None:  # noqa: ANN401 - each has one of its own
        os.kill(os.getpid(), number)
        assert heard == [number]
        audience.approve(["move it"])
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        seen.append("called off")
        raise KeyboardInterrupt

    monkeypatch.setattr(module, name, run)
    failover(*arguments, "--yes")
    assert (seen, heard) == (["called off"], [number])
