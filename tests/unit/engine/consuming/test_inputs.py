"""A topic that is read counts as missing once two looks have found it so, and only an answer of the cluster counts."""

from collections.abc import Callable, Iterator
from typing import cast
from unittest.mock import Mock

import pytest

from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import MissingTopicsError
from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming import inputs
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.consuming.inputs import Inputs
from kafkalert.errors import ConfigError, ExitCode, KafkalertError, UnreachableError

DC1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
AWAY = UnreachableError("Cluster dc1 does not answer.")
REFUSED = ConfigError("No client of cluster dc1 can be made.")


class Looks:
    """Stands in for the cluster, which answers as `answers` say, and for the waits between, of which `waits` tells."""

    def __init__(self, answers: Iterator[list[str] | KafkalertError]) -> None:
        self.waits: list[float] = []
        self.id = "1"
        self._answers = answers
        self._next: list[str] | KafkalertError = []

    def wait(self, seconds: float) -> bool:
        """Let the time pass until the next answer; whether there is none left."""
        self.waits.append(seconds)
        answer = next(self._answers, None)
        self._next = answer or []
        return answer is None

    def ids(self, cluster: Cluster, topics: list[str]) -> dict[str, tuple[str, int]]:
        """As topic_ids."""
        assert (cluster, topics) == (DC1, ["a", "b"])
        if isinstance(self._next, KafkalertError):
            raise self._next
        if self._next:
            raise MissingTopicsError(cluster, self._next)
        return {"a": (self.id, 3), "b": ("2", 3)}


def after(
    monkeypatch: pytest.MonkeyPatch,
    *answers: list[str] | KafkalertError,
    id_: str = "1",
    ends: Callable[[list[Partition]], dict[Partition, int]] = lambda asked: dict.fromkeys(asked, 7),
) -> tuple[Inputs, list[float]]:
    """What these answers, one look each, make of it, where a has that id; and the waits before each."""
    looks = Looks(iter(answers))
    looks.id = id_
    monkeypatch.setattr(inputs, "topic_ids", looks.ids)
    monkeypatch.setattr(inputs, "Places", lambda _: Mock(ends=ends))
    watching = Inputs(DC1, {"a": "1", "b": "2"})
    monkeypatch.setattr(watching, "_closed", cast("object", looks))
    watching.run()
    return watching, looks.waits[:-1]


def test_topic_that_two_looks_miss_ends_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the sentence that a start has for it; the second look does not wait for its turn."""
    watching, waits = after(monkeypatch, [], ["a", "b"], ["b"])
    with pytest.raises(MissingTopicsError, match=r"^Topic b does not exist on dc1\.$") as caught:
        watching.check()
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.hint == "Run `kafkalert topics apply`."
    assert waits[2] < waits[1] == waits[0]


@pytest.mark.parametrize(
    "answers",
    [
        ([], ["a"]),
        (["a"], [], ["a"]),
        (["a"], ["b"], ["a"]),
        (["a"], AWAY, ["a"]),
        (AWAY, AWAY, AWAY),
        (REFUSED, REFUSED),
        (["a"], ["a"], []),
    ],
    ids=["once", "not in a row", "another one", "no answer between", "away", "refused", "made again in time"],
)
def test_nothing_else_does(monkeypatch: pytest.MonkeyPatch, answers: tuple[list[str] | KafkalertError, ...]) -> None:
    """A cluster that is away, a broker that has just started, and a topic that is made anew."""
    watching, _ = after(monkeypatch, *answers)
    watching.check()


def test_a_topic_that_was_made_anew_begins_a_new_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose offsets were those of the old one; a cluster that is away after that does not change it."""
    watching, _ = after(monkeypatch, ["a"], [], AWAY, id_="9")
    with pytest.raises(RetryError, match=r"^a was deleted and made anew\.$"):
        watching.check()


@pytest.mark.parametrize("answer", [[], ["a"], AWAY])
def test_ends_are_told_as_long_as_the_cluster_answers(
    monkeypatch: pytest.MonkeyPatch, answer: list[str] | KafkalertError
) -> None:
    """While it is away nothing can come, and nobody may take that for a partition that is not fetched."""
    watching, _ = after(monkeypatch, [], answer)
    assert watching.ends == ({} if answer else {(topic, number): 7 for topic in "ab" for number in range(3)})


def test_a_topic_that_was_made_anew_is_seen_where_its_ends_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition without a leader keeps its end to itself."""
    watching, _ = after(monkeypatch, [], id_="9", ends=Mock(side_effect=AWAY))
    with pytest.raises(RetryError, match="made anew"):
        watching.check()
