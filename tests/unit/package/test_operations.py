"""The runbook: every sentence of the verdict leads to an entry, and every command in it is one."""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from typer.main import get_command

from kafkalert.cli import app
from kafkalert.errors import DeniedError
from kafkalert.ops.failover.status import findings, health, movement, strangers, survey
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Finding, Health, Survey
from kafkalert.ops.failover.status.watch import nobody
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.expired import Expired
from kafkalert.ops.overview import verdict as overview
from kafkalert.ops.overview.verdict import Judgement, Level, Trend
from tests.support.data.picture import WELL, flow, instance
from tests.unit.ops.failover.status.test_findings import CASES
from tests.unit.ops.failover.status.test_strangers import GHOST
from tests.unit.ops.failover.status.test_survey import SETTINGS, surveyed

PAGE = (Path(__file__).parents[3] / "docs/operations.md").read_text()
PARTS = ["You see", "Customers", "Now", "It is over"]
_PLACE = re.compile(r"\\\.\\\.\\\.|\b[A-Z]{2,}[0-9]*(?:\\-[A-Z]+)?\b|\bN\b")


class Entry(NamedTuple):
    """One entry: its heading, its text, and the sentences that lead to it."""

    heading: str
    text: str

    @property
    def seen(self) -> list[str]:
        """Sentences of the verdict, and names of Prometheus's alerts; what begins small is from a log."""
        told = self.text.partition("- **You see**")[2].partition("\n- **")[0]
        return [span for span in re.findall(r"`([^`]+)`", told) if not span[0].islower()]

    @property
    def anchor(self) -> str:
        """How the entry is linked to."""
        return re.sub(r"[^\w\- ]", "", self.heading.lower()).replace(" ", "-")


ENTRIES = [Entry(*block.split("\n", 1)) for block in re.split(r"(?m)^### ", PAGE)[1:]]
SENTENCES = [span for entry in ENTRIES for span in entry.seen if not span.startswith("Kafkalert")]


def pattern(sentence: str) -> re.Pattern[str]:
    """A sentence of the page, in which capitals and `...` stand for anything."""
    return re.compile(_PLACE.sub(".+?", re.escape(sentence)).replace(r".+?$", ".*") + "$", re.DOTALL)


def leads(sentence: str) -> list[str]:
    """The sentences of the page that this one is."""
    return [one for one in SENTENCES if pattern(one).fullmatch(sentence)]


UNREACHED = [
    replace(one, answers=True, control=False, detail=f"Cluster {one.name} (a:1) is not.", hint="Mend it.")
    for one in WELL.clusters
]
LATE = replace(WELL, instances=(instance("vm-1", lag=90_000, entries_per_second=100.0), *WELL.instances[1:]))
SAMPLES: list[Survey] = [
    *(found for _, found, _, _ in CASES),
    replace(WELL, clusters=(UNREACHED[0], WELL.clusters[1])),
    replace(WELL, clusters=(WELL.clusters[0], UNREACHED[1])),
    replace(WELL, instances=(instance("vm-1"), instance("vm-2", presence=Presence.STUCK))),
    replace(WELL, instances=(instance("vm-1", presence=Presence.SILENT),)),
    replace(WELL, instances=(instance("vm-1"), instance("vm-2", cluster="dc2"))),
    replace(WELL, instances=(instance("vm-1"), instance("vm-9", "held: x", stage="bridge"))),
    *(replace(WELL, flows=(flow("dc1", "dc2", state=state), flow("dc2", "dc1"))) for state in Condition),
    replace(WELL, flows=(flow("dc1", "dc2", expired=(Expired("accountentry", 3),)), flow("dc2", "dc1"))),
    replace(WELL, flows=(flow("dc1", "dc2", expired_reason="no right"), flow("dc2", "dc1"))),
    *(
        replace(WELL, clusters=(replace(WELL.clusters[0], health=sick), WELL.clusters[1]))
        for sick in (
            None,
            Health(3, 0),
            Health(2, 9, offline=1),
            Health(2, 9, 2),
            Health(2, 9, 0, 1),
            Health(2, 9, 0, 4),
        )
    ),
    LATE,
    replace(WELL, instances=(*WELL.instances, instance("vm-3", presence=Presence.SILENT))),
    replace(WELL, clusters=tuple(replace(cluster, answers=False) for cluster in WELL.clusters)),
    replace(WELL, instances=(instance("vm-1", lag=90_000), *WELL.instances[1:])),
    replace(WELL, passed_over=1),
    replace(WELL, passed_over=7),
    replace(WELL, instances=(*WELL.instances, GHOST)),
    replace(WELL, instances=(*WELL.instances, GHOST, replace(GHOST, instance="ghost-2"))),
]
TRENDS = [
    (LATE, Trend(backlog_per_second=3.0)),
    (LATE, Trend(backlog_per_second=-3.0)),
    (LATE, Trend(backlog_per_second=0.0)),
    (WELL, Trend(dead_letters={"bad-bytes": 1})),
    (WELL, Trend(dead_letters={"bad-bytes": 7})),
    (WELL, Trend(switched_seconds=3.0, source="dc1", target="dc2")),
    (WELL, Trend()),
]
"""What only who has looked for longer knows."""
UNKNOWN: list[dict[str, Any]] = [
    {"mirror": TimeoutError()},
    {"groups": TimeoutError()},
    {"groups": DeniedError("Cluster dc1 denies it.", "DESCRIBE", "group x")},
]
CAUSES = [
    "The name of cluster dc1 (a:1) is not known here: no such host. It is the active cluster. Mend it.",
    "TLS with cluster dc2 (a:1) fails: eof. Check it.",
]


def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every kind of sentence that the verdict can begin with, as the code itself makes it."""
    judged = [strangers.judged_with_strangers(found) for found in SAMPLES]
    yield from (sentence for found in judged for sentence in found.notes)
    for unknown in UNKNOWN:
        yield from surveyed(monkeypatch, **unknown).notes
    judgements = [overview.verdict(None), *map(overview.verdict, judged)]
    judgements += [overview.verdict(found, trend) for found, trend in TRENDS]
    yield from (one.sentence for one in judgements if one.level not in {Level.LOADING, Level.ALL_WELL})
    yield str(nobody(SETTINGS))


def test_every_sentence_of_the_verdict_leads_to_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = {*told(monkeypatch), *CAUSES}
    assert not [one for one in sentences if not leads(one)]
    # And no sentence of the page is one that nobody says any more.
    assert {one for sentence in sentences for one in leads(sentence)} == set(SENTENCES)


def call_sites(module: ModuleType, kind: str) -> set[tuple[str, int]]:
    """Where a module makes findings, or what else is called so."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call)]
    return {
        (module.__name__, call.lineno) for call in calls if isinstance(call.func, ast.Name) and call.func.id == kind
    }


def test_no_kind_of_sentence_is_missing_above(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place in the code that makes one is passed: a new one wants a sample here, and so an entry."""
    passed: set[tuple[str, int]] = set()

    def noted(kind: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - any field
            caller = sys._getframe(1)
            passed.add((caller.f_globals["__name__"], caller.f_lineno))
            return kind(*arguments, **more)

        return made

    kinds = {findings: Finding, health: Finding, movement: Finding, strangers: Finding, overview: Judgement}
    for module, kind in kinds.items():
        monkeypatch.setattr(module, kind.__name__, noted(kind))
    list(told(monkeypatch))
    assert passed == set().union(*(call_sites(module, kind.__name__) for module, kind in kinds.items()))
    assert inspect.getsource(survey).count("unknown.append(") == len({next(iter(one)) for one in UNKNOWN})


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: one.heading)
def test_each_entry_says_what_it_means_what_to_do_and_when_it_is_over(entry: Entry) -> None:
    assert re.findall(r"(?m)^- \*\*([^*]+)\*\*", entry.text) == PARTS
    assert entry.seen


def test_the_table_at_the_top_has_every_sentence() -> None:
    """In the order of the alphabet, alerts of Prometheus last, each with a link to its entry."""
    rows = re.findall(r"(?m)^\| `([^`]+)` \| \[([^\]]+)\]\(#([^)]+)\) \|$", PAGE)
    wanted = [(span, entry.heading, entry.anchor) for entry in ENTRIES for span in entry.seen]
    assert rows == sorted(wanted, key=lambda row: (row[0].startswith("Kafkalert"), row[0].lower()))


def test_every_command_in_it_is_one() -> None:
    """With options that it has."""
    root: Any = get_command(app)
    spans = [span.split()[1:] for span in re.findall(r"`(kafkalert [^`]+)`", PAGE)]
    assert len(spans) > 20
    for words in spans:
        command, page = root, root.context_class(root, info_name="kafkalert")
        while words and words[0] in getattr(command, "commands", {}):
            command = command.get_command(page, words.pop(0))
            page = command.context_class(command, parent=page)
        assert command is not root, words
        known = {name for param in command.get_params(page) for name in param.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_every_reason_for_which_a_stage_is_held_is_listed() -> None:
    """Those that the engine and the tables have words for; others are errors, whose hint says what to do."""
    entry = next(one for one in ENTRIES if one.heading == "A stage is held")
    listed = " ".join(re.findall(r"(?m)^    \| (.*) \| ", entry.text))
    package = Path(__file__).parents[3] / "kafkalert"
    readiness = (package / "tables/readiness.py").read_text()
    state = (package / "bus/control/state.py").read_text()
    said = re.findall(r'"(the customer tables [^"{]+)"', readiness) + re.findall(r'hold\(f"([^"]+)"\)', state)
    assert len(said) > 5
    for reason in said:
        words = [part.strip() for part in re.sub(r"\{[^}]*\}", "|", reason).split("|") if part.strip()]
        short = [word.removeprefix("the customer tables ").removeprefix("are ") for word in words]
        assert all(word in listed for word in short), reason
