"""An examination on a screen: how bad it is first, what to do below each finding."""

from collections.abc import Callable

import pytest

from kafkalert.ops.doctor.checkup import Checks, Checkup, Examination, Subject, ordered
from kafkalert.views.doctor import lines, show, summary

TOPICS, DISK = Checks(Subject.TOPICS, "dc1"), Checks(Subject.DISK)
CHECKS = [
    DISK.ok("room", "69 GiB are free."),
    DISK.skipped("brokers", "They do not tell."),
    TOPICS.look("b", "b is kept for 1d.", "Run apply."),
    TOPICS.bad("a", "a is missing.", "Run apply."),
]


def found(*checks: Checkup, unreachable: tuple[str, ...] = ()) -> Examination:
    """An examination with these checks."""
    return Examination(tuple(ordered(checks)), unreachable)


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        (CHECKS, "Of 3 checks, 1 found something wrong and 1 found something to look at."),
        ([*CHECKS, TOPICS.unknown("c", "?")], "Of 4 checks, 1 found something wrong, 1 could not be made and 1 found something to look at."),  # noqa: E501 - a sentence
        (CHECKS[:2], "1 check: all is well."),
    ],
)  # fmt: skip
def test_what_matters_most_is_said_first(checks: list[Checkup], words: str) -> None:
    assert [one.plain for one in summary(found(*checks))] == [words]


def test_a_cluster_that_does_not_answer_comes_before_all() -> None:
    (first, _) = summary(found(*CHECKS, unreachable=("dc2",)))
    assert first.plain == "Cluster dc2 does not answer."


def test_each_check_is_a_line_and_each_finding_has_what_to_do() -> None:
    """By subject, the worst first; what is fine is told in detail where that is asked for."""
    brief = [one.plain for one in lines(found(*CHECKS))]
    assert brief == [
        "\ntopics",
        "  ✗ a is missing.",
        "      Run apply.",
        "  ! b is kept for 1d.",
        "      Run apply.",
        "\ndisk",
        "  ✓ room",
    ]
    detailed = [one.plain for one in lines(found(*CHECKS), verbose=True)]
    assert detailed[-2:] == ["  - brokers: They do not tell.", "  ✓ room: 69 GiB are free."]


def test_what_could_steer_a_terminal_is_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """A broker's name may come from anywhere. A pipe gets no colour."""
    show(found(TOPICS.bad("a", "\x1b[2Ja is missing.", "\x1b[2J")))
    assert "\x1b" not in capsys.readouterr().out


def test_nothing_but_findings_is_a_finding() -> None:
    graded: list[tuple[Callable[..., Checkup], bool]] = [(TOPICS.bad, True), (TOPICS.look, True)]
    assert [make("a", "b", "c").is_finding for make, _ in graded] == [wanted for _, wanted in graded]
    assert TOPICS.unknown("a", "b").is_finding
    assert not TOPICS.skipped("a", "b").is_finding
    assert not TOPICS.ok("a", "b").is_finding
