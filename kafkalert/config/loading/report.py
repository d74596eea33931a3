"""Every problem of a configuration at once, each with its place, and never with a value: it may be a secret."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from kafkalert.config.loading.environment import PREFIX
from kafkalert.config.properties import suggestion
from kafkalert.errors import ConfigError

_SUBJECT = re.compile(r"^(?:Value error, |(?:Input|Data|Value|String|List|Tuple|Dictionary|Bytes) (?=should))")
_WORDS = {
    "missing": "is missing",
    "model_type": "should be a table",
    "dict_type": "should be a table",
    "tuple_type": 'should be a list, such as ["dc1", "dc2"]',
    "extra_forbidden": "is not a known key",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: in which file and line, or variable; at which key; and what, in words that follow it."""

    source: str
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.source}: {self.place} {self.what}" + ("" if self.what.endswith("?") else ".")


class ProblemsError(ConfigError):
    """The configuration is wrong; `problems` has all that is, and `str(error)` a line for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = f"{len(problems)} problems in the configuration:\n  " if len(problems) > 1 else ""
        super().__init__(
            first + "\n  ".join(str(problem) for problem in problems),
            hint="Correct it, then run `kafkalert config check`.",
        )
        self.problems = tuple(problems)


@dataclass
class Report:
    """What has been found so far, and where each key came from (`sources`: dotted place -> file:line or variable)."""

    origin: str
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, place: Sequence[str | int], what: str, source: str = "") -> None:
        """One more problem, at a place given by its parts; it came from where that place did, or from `source`."""
        problem = Problem(source or self.source(place), ".".join(map(str, place)), what)
        if problem not in self.problems:
            self.problems.append(problem)

    def source(self, place: Sequence[str | int]) -> str:
        """Where the key at `place` was written, or the nearest table around it, or the first key within it."""
        for end in range(len(place), 0, -1):
            dotted = ".".join(map(str, place[:end]))
            if dotted in self.sources:
                return self.sources[dotted]
            inner = next((self.sources[known] for known in self.sources if known.startswith(f"{dotted}.")), None)
            if inner:
                return inner
        return self.origin

    def by_variable(self, place: Sequence[str]) -> bool:
        """Whether a KAFKALERT_* variable, not the file, gave the value at `place`."""
        return self.sources.get(".".join(place), "").startswith(PREFIX)

    def take(self, error: ValidationError, model: type[BaseModel]) -> None:
        """Add what pydantic found in a document of `model`."""
        for detail in error.errors(include_input=True, include_url=False):
            place = detail["loc"]
            what = _WORDS.get(detail["type"]) or _SUBJECT.sub("", detail["msg"])
            if detail["type"] == "extra_forbidden":
                # A table's name is its header, so `name` is no key to propose.
                what += suggestion(str(place[-1]), [key for key in fields_at(model, place[:-1]) if key != "name"])
            elif detail["type"] == "literal_error":
                allowed = re.findall(r"'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
                what += suggestion(str(detail["input"]), allowed)
            self.add(place, what)

    def finish(self) -> None:
        """Raise ProblemsError if there is any problem; those of the file in its order, then the others."""
        if self.problems:
            raise ProblemsError(sorted(self.problems, key=_line))


def _line(problem: Problem) -> tuple[bool, int]:
    line = problem.source.rpartition(":")[2]
    return (False, int(line)) if line.isdecimal() else (True, 0)


def fields_at(model: type[BaseModel], place: Sequence[str | int]) -> Mapping[str, Any]:
    """Return the keys that the table at `place` of a document of `model` may have.

    It returns none where they are free, or there are none.
    """
    current: Any = model
    for part in place:
        if isinstance(current, type) and issubclass(current, BaseModel):
            known = current.model_fields.get(str(part))
            current = known.annotation if known else None
        elif get_origin(current) is dict:
            current = get_args(current)[1]
        else:
            return {}
        if get_origin(current) is Union:
            current = get_args(current)[0]
    return current.model_fields if isinstance(current, type) and issubclass(current, BaseModel) else {}
