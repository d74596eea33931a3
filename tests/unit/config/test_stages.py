"""Which stages there are: what a package brings is used as it says, or named as what cannot be used."""

import importlib.metadata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kafkalert.config import stages
from kafkalert.config.pipeline import TOPICS, PipelineTopic
from kafkalert.config.stages import StageSpec, broken, installed, mirrored, readers, topic_names
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.stage import Given
from kafkalert.errors import ConfigError
from kafkalert.stages import running
from tests.support.fakes.control import SETTINGS

LARGE = StageSpec(
    "large",
    "Copy large bookings.",
    reads=("accountentry",),
    writes=("largebookings",),
    adds=(PipelineTopic("largebookings"),),
    build="bank.large:build",
)
OWN = replace(LARGE, name="alerting", adds=(), writes=())


@dataclass(order=True)
class Point:
    """An entry point of a package; what it holds is an error that loading it raises, or what it loads."""

    name: str
    holds: object
    package: str = "bank"
    value: str = "bank:SPEC"

    @property
    def dist(self) -> SimpleNamespace:
        """Its distribution."""
        return SimpleNamespace(name=self.package)

    def load(self) -> object:
        """As the real one."""
        if isinstance(self.holds, Exception):
            raise self.holds
        return self.holds


@pytest.fixture
def bring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Has these entry points installed, and no others."""
    cached = (installed, broken, stages.topics, stages._found)

    def only(*points: Point) -> None:
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
        for one in cached:
            one.cache_clear()

    yield only
    for one in cached:
        one.cache_clear()


def test_what_a_package_brings_is_one_of_the_stages(bring: Callable[..., None]) -> None:
    """Its topics are among all, and are mirrored."""
    bring(Point("alerting", OWN, "kafkalert"), Point("large", LARGE))
    assert dict(installed()) == dict(readers()) == {"alerting": OWN, "large": LARGE}
    assert topic_names() == (*TOPICS, "largebookings")
    assert "largebookings" in mirrored()
    assert not broken()


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (ImportError("no"), "cannot be loaded: ImportError: no"),
        ("text", "no StageSpec of that name at bank:SPEC"),
        (replace(LARGE, name="other"), "no StageSpec of that name"),
        (replace(LARGE, reads=cast("Any", "accountentry")), "reads is no tuple"),
        (replace(LARGE, adds=cast("Any", PipelineTopic("largebookings"))), "adds is no tuple"),
        (replace(LARGE, adds=cast("Any", ("largebookings",))), "no PipelineTopic"),
        (replace(LARGE, adds=()), "there is no topic largebookings"),
        (replace(LARGE, adds=(*LARGE.adds, PipelineTopic("accountentry"))), "it cannot add accountentry"),
        (replace(LARGE, adds=(PipelineTopic("largebookings", compacted=True),)), "it cannot add largebookings"),
        (replace(LARGE, adds=(PipelineTopic("largebookings", internal=True),)), "it cannot add largebookings"),
        (replace(LARGE, build="bank.large"), "build is no module:function"),
    ],
)
def test_one_that_is_wrong_is_named_and_the_others_are_used(bring: Callable[..., None], spec: object, why: str) -> None:
    bring(Point("alerting", OWN, "kafkalert"), Point("large", spec))
    assert list(installed()) == ["alerting"]
    assert why in broken()["large"]
    assert broken()["large"].startswith("bank")
    assert topic_names() == TOPICS


@pytest.mark.parametrize("name", ["all", "tail", "control", "a stage", "x" * 65])
def test_names_that_mean_something_else_are_no_stages(bring: Callable[..., None], name: str) -> None:
    bring(Point(name, replace(LARGE, name=name)))
    assert "a stage cannot have that name" in broken()[name]


def test_nobody_takes_the_place_of_kafkalerts_own(bring: Callable[..., None]) -> None:
    """Of two others of one name neither is used: which one was meant nobody knows."""
    other = replace(OWN, summary="Mine.")
    bring(Point("alerting", other, "aaa"), Point("alerting", OWN, "kafkalert"))
    assert installed() == {"alerting": OWN}
    assert broken() == {"alerting of aaa": "kafkalert and aaa both bring it"}
    bring(Point("large", LARGE), Point("large", LARGE, "zoo"))
    assert not installed()
    assert broken() == {"large": "bank and zoo both bring it"}
    bring(Point("large", LARGE), Point("large", LARGE))
    assert list(installed()) == ["large"], "the same package, found twice"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (replace(LARGE, build="bank.nowhere:build"), "cannot be built: No module named 'bank'"),
        (replace(LARGE, build="tests.unit.config.test_stages:nothing"), "cannot be built: .*no attribute 'nothing'"),
        (
            replace(LARGE, build="tests.unit.config.test_stages:other"),
            "is not what its spec says: it is other, reading x",
        ),
    ],
)
def test_a_stage_that_is_not_what_its_spec_says_does_not_run(spec: StageSpec, said: str) -> None:
    given = Given(Metrics(), cast("Any", None), cast("Any", None))
    with pytest.raises(ConfigError, match=said):
        running._made(spec, SETTINGS, given)


def other(*_: object) -> SimpleNamespace:
    """A stage that others would look for in vain."""
    return SimpleNamespace(name="other", inputs=("x",))
