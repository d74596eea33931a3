"""An examination as people read it: a sentence that says how bad it is, then a line a check, by subject."""

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from kafkalert.ops.doctor.checkup import WORST_FIRST, CheckGrade, Checkup, Examination
from kafkalert.ops.wording import counted
from kafkalert.views.colours import style
from kafkalert.views.screen import Screen
from kafkalert.views.values import printable

_SIGNS: Final = {
    CheckGrade.OK: "✓",
    CheckGrade.LOOK: "!",
    CheckGrade.BAD: "✗",
    CheckGrade.UNKNOWN: "?",
    CheckGrade.SKIPPED: "-",
}


def show(found: Examination, *, verbose: bool = False) -> None:
    """Write it to stdout. `verbose`: also what is fine, in detail, and what does not apply here."""
    screen = Screen()
    screen.say(*summary(found))
    screen.say(*lines(found, verbose=verbose))


def summary(found: Examination) -> Iterator[Text]:
    """Yield what matters most: which cluster does not answer, how many checks found what."""
    for name in found.unreachable:
        yield Text(f"Cluster {name} does not answer.", _style(CheckGrade.BAD, bold=True))
    counts = {grade: sum(one.grade is grade for one in found.checkups) for grade in WORST_FIRST}
    made = sum(counts.values()) - counts[CheckGrade.SKIPPED]
    parts = [
        words
        for grade, words in (
            (CheckGrade.BAD, f"{counts[CheckGrade.BAD]} found something wrong"),
            (CheckGrade.UNKNOWN, f"{counts[CheckGrade.UNKNOWN]} could not be made"),
            (CheckGrade.LOOK, f"{counts[CheckGrade.LOOK]} found something to look at"),
        )
        if counts[grade]
    ]
    worst = next((grade for grade in WORST_FIRST if counts[grade] and grade is not CheckGrade.SKIPPED), CheckGrade.OK)
    checks = counted(made, "check")
    text = f"Of {checks}, {' and '.join([', '.join(parts[:-1]), parts[-1]] if parts[1:] else parts)}."
    yield Text(text if parts else f"{checks}: all is well.", _style(worst, bold=True))


def lines(found: Examination, *, verbose: bool = False) -> Iterator[Text]:
    """Yield the checks, under the name of their subject."""
    subject = None
    for one in found.checkups:
        if one.grade is CheckGrade.SKIPPED and not verbose:
            continue
        if one.subject is not subject:
            subject = one.subject
            yield Text(f"\n{subject}", "bold")
        yield from _check(one, verbose=verbose)


def _check(one: Checkup, *, verbose: bool) -> Iterator[Text]:
    if one.is_finding:
        yield Text(f"  {_SIGNS[one.grade]} {printable(one.text)}", _style(one.grade))
    else:
        name = printable(f"{one.cluster}: {one.name}" if one.cluster else one.name)
        line = Text(f"  {_SIGNS[one.grade]} ", _style(one.grade))
        line.append(f"{name}: {printable(one.text)}" if verbose else name, "")
        yield line
    if one.hint and (one.is_finding or verbose):
        yield Text(f"      {printable(one.hint)}")


def _style(grade: CheckGrade, *, bold: bool = False) -> str:
    meant = grade.grade
    return f"{'bold ' if bold else ''}{style(meant)}" if meant is not None else "dim"
