"""An examination as people read it: a sentence that says how bad it is, then a line a check, by subject."""

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from kafkalert.ops.doctor.checkup import WORST_FIRST, CheckGrade, Checkup, Examination
from kafkalert.ops.wording import counted
from kafkalert.views.colours import style
from kafkalert.views.screen import Screen
from kafkalert.views.values import printable

_SIGN_WIDTH: Final = 2
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
    screen.say(*(_hanging(screen, one) for one in lines(found, verbose=verbose)))


def _hanging(screen: Screen, line: Text) -> Text:
    """Return a line that is folded below its own begin; one with a command in it stays, so that it can be copied."""
    indent = len(line.plain) - len(line.plain.lstrip(" ")) + _SIGN_WIDTH
    if not screen.is_terminal or "`" in line.plain or line.cell_len <= screen.width or indent >= screen.width:
        return line
    first, *more = line.wrap(screen, screen.width - indent)
    return Text(f"\n{' ' * indent}").join([first, *more])


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
        words = f"{name}: {printable(one.text)}" if verbose else name
        yield Text.assemble((f"  {_SIGNS[one.grade]} ", _style(one.grade)), words)
    if one.hint and (one.is_finding or verbose):
        yield Text(f"      {printable(one.hint)}")


def _style(grade: CheckGrade, *, bold: bool = False) -> str:
    meant = grade.grade
    return f"{'bold ' if bold else ''}{style(meant)}" if meant is not None else "dim"
