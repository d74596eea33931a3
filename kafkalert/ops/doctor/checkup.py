"""One check of `kafkalert doctor`: what was looked at, how it is, and what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kafkalert.errors import KafkalertError
from kafkalert.model.grade import Grade


class Subject(StrEnum):
    """What checks are about, in the order in which they are shown: what others rest on comes first."""

    CONFIGURATION = "configuration"
    ADDRESSES = "addresses"
    TLS = "tls"
    SASL = "sasl"
    VERSIONS = "versions"
    TOPICS = "topics"
    SCHEMAS = "schemas"
    MIRROR = "mirror"
    PERMISSIONS = "permissions"
    TRANSACTIONS = "transactions"
    RECORD_TIMES = "record-times"
    CLOCKS = "clocks"
    DISK = "disk"


class CheckGrade(StrEnum):
    """How something is.

    Look: it works, but somebody should look at it. Unknown: it could not be found out now. Skipped: it does not apply
    here, or cannot be looked at from here.
    """

    OK = "ok"
    LOOK = "look"
    BAD = "bad"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"

    @property
    def grade(self) -> Grade | None:
        """What it means."""
        return {
            CheckGrade.OK: Grade.GOOD,
            CheckGrade.LOOK: Grade.WAITING,
            CheckGrade.BAD: Grade.BAD,
            CheckGrade.UNKNOWN: Grade.UNKNOWN,
        }.get(self)


NO_TOPIC = "There is none of its topics here, or none that this client may see."
"""Why something is skipped: `topics` tells which of the two it is."""
WORST_FIRST = (CheckGrade.BAD, CheckGrade.UNKNOWN, CheckGrade.LOOK, CheckGrade.SKIPPED, CheckGrade.OK)


@dataclass(frozen=True, slots=True)
class Checkup:
    """One check. `cluster` is empty where it is about none, or several; `hint` where there is nothing to do."""

    subject: Subject
    cluster: str
    name: str
    grade: CheckGrade
    text: str
    hint: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether somebody has to do something, or to find out more."""
        return self.grade in {CheckGrade.BAD, CheckGrade.LOOK, CheckGrade.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Checks:
    """Makes the checks of a subject, on one cluster."""

    subject: Subject
    cluster: str = ""

    def ok(self, name: str, text: str) -> Checkup:
        """Return that it is as it should be."""
        return Checkup(self.subject, self.cluster, name, CheckGrade.OK, text)

    def look(self, name: str, text: str, hint: str) -> Checkup:
        """Return that it works, but that somebody should look at it."""
        return Checkup(self.subject, self.cluster, name, CheckGrade.LOOK, text, hint)

    def bad(self, name: str, text: str, hint: str) -> Checkup:
        """Return that somebody has to mend it."""
        return Checkup(self.subject, self.cluster, name, CheckGrade.BAD, text, hint)

    def unknown(self, name: str, text: str, hint: str = "") -> Checkup:
        """Return that it could not be found out now."""
        return Checkup(self.subject, self.cluster, name, CheckGrade.UNKNOWN, text, hint)

    def skipped(self, name: str, text: str, hint: str = "") -> Checkup:
        """Return that it does not apply here, or cannot be looked at from here."""
        return Checkup(self.subject, self.cluster, name, CheckGrade.SKIPPED, text, hint)

    def untold(self, name: str, error: Exception) -> Checkup:
        """Return that it could not be found out, because of `error`."""
        if isinstance(error, KafkalertError):
            return self.unknown(name, str(error), error.hint)
        if isinstance(error, TimeoutError):
            return self.unknown(name, f"{self._what(name)} was not told in time.", "Run the command again.")
        what = f"{self._what(name)} could not be looked at ({type(error).__name__})."
        return self.unknown(name, what, "Run it again with -vv, and report what it prints.")

    def _what(self, name: str) -> str:
        """Return what a check is about, for the begin of a sentence."""
        return f"{self.subject.capitalize()} ({name})" + (f" on {self.cluster}" if self.cluster else "")


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks, in order; and the clusters that do not answer."""

    checkups: tuple[Checkup, ...]
    unreachable: tuple[str, ...] = ()

    @property
    def is_fine(self) -> bool:
        """Whether nothing was found."""
        return not any(one.is_finding for one in self.checkups)


def ordered(checkups: Iterable[Checkup]) -> list[Checkup]:
    """Return checks by subject, those of one subject worst first, and of a grade by cluster."""
    subjects: Sequence[Subject] = list(Subject)
    return sorted(
        checkups, key=lambda one: (subjects.index(one.subject), WORST_FIRST.index(one.grade), one.cluster, one.name)
    )
