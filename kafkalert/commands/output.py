"""`-o table|json|yaml|tsv`: typed rows as people or programs read them, on stdout.

The JSON of a list is one array of objects; their keys are the fields of the row's type, in order, and stay as they
are within a major version. Durations are seconds, times ISO 8601; personal data is masked by its own types.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from math import isfinite
from typing import Annotated, Any

import typer

from kafkalert.model.grade import Grade
from kafkalert.views.terminal import say, takes, write
from kafkalert.views.values import printable


class Format(StrEnum):
    """How data is written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    TSV = "tsv"


OutputOption = Annotated[Format, typer.Option("--output", "-o", help="How data is written.", case_sensitive=False)]


def emit(
    rows: Iterable[object],
    output: Format,
    *,
    columns: Sequence[str] = (),
    spare: Sequence[str] = (),
    empty: str = "Nothing.",
) -> None:
    """Write `rows` to stdout.

    Args:
        rows: dataclasses, pydantic models, named tuples or mappings, all of one shape.
        output: the format asked for.
        columns: the fields of a table, in order; all fields without it. Other formats always hold all fields.
        spare: the columns that a narrow terminal does without, the first of them first.
        empty: the sentence for people when there is no row; it goes to stderr.
    """
    given = list(rows)
    plain = [record(row) for row in given]
    if output is Format.JSON:
        write(to_json(plain, indent=2) + "\n")
    elif output is Format.YAML:
        write(to_yaml(plain))
    elif output is Format.TSV:
        _tsv(plain, columns)
    elif given:
        _table(given, columns, spare)
    else:
        say(empty)


def emit_object(value: object, output: Format) -> bool:
    """Write one object as JSON or YAML; False, with nothing written, for a format that has rows alone."""
    if output is Format.JSON:
        write(to_json(value, indent=2) + "\n")
    elif output is Format.YAML:
        write(to_yaml(value))
    return output in (Format.JSON, Format.YAML)


def to_json(value: object, *, indent: int | None = None) -> str:
    """JSON text of anything `to_plain` takes; without `indent` one line, as `tail` prints them."""
    import json  # noqa: PLC0415 - only when data is written

    plain = to_plain(value)
    text = json.dumps(plain, ensure_ascii=False, indent=indent)
    if not takes(text):
        return json.dumps(plain, indent=indent)
    # What could steer a terminal and JSON lets pass (C1 controls, bidirectional overrides) is escaped too.
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def to_yaml(value: object, *, document: bool = False) -> str:
    """YAML of anything `to_plain` takes; `document` begins it with `---`, so that others may follow."""
    import yaml  # noqa: PLC0415 - only for -o yaml

    plain = to_plain(value)
    text: str = yaml.safe_dump(plain, explicit_start=document, sort_keys=False, allow_unicode=True)
    if text.replace("\n", "").isprintable() and takes(text):
        return text
    # YAML lets bidirectional overrides pass, which could make a terminal show something else.
    return str(yaml.safe_dump(plain, explicit_start=document, sort_keys=False, allow_unicode=False))


def record(row: object) -> dict[str, Any]:
    """One row as a mapping from field to plain value."""
    plain = to_plain(row)
    if not isinstance(plain, dict):
        raise TypeError(f"{type(row).__name__} is no row")
    return plain


def to_plain(value: object) -> Any:  # noqa: ANN401, PLR0911 - any JSON value; one line a kind
    """Return a value as JSON knows it.

    What is no container, number, time or enum becomes its `str()`, masked if personal.
    """
    if type(value) is float and not isfinite(value):
        return str(value)  # JSON has no word for it
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    fields = _fields(value)
    if fields is not None:
        return {name: to_plain(getattr(value, name)) for name in fields}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    return str(value)


def _fields(value: object) -> Iterable[str] | None:
    """Return the field names of a dataclass, a pydantic model or a named tuple, without importing any of them."""
    for attribute in ("__dataclass_fields__", "model_fields", "_fields"):
        names = getattr(type(value), attribute, None)
        if isinstance(names, Mapping | tuple):
            return tuple(names)
    return None


def _tsv(plain: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    names = list(columns) or list(plain[0] if plain else ())
    if names:
        write("\t".join(names) + "\n")
    for row in plain:
        write("\t".join(printable(row.get(name)) for name in names) + "\n")


def _table(rows: Sequence[object], columns: Sequence[str], spare: Sequence[str]) -> None:
    """Print a table on a terminal; anywhere else the same columns without box, colour or a limit to the width."""
    from kafkalert.views.colours import graded  # noqa: PLC0415 - Rich is heavy, and only for people
    from kafkalert.views.screen import Screen  # noqa: PLC0415 - as above
    from kafkalert.views.table import fitted  # noqa: PLC0415 - as above

    screen = Screen()
    plain = [record(row) for row in rows]
    names = list(columns) or list(plain[0])
    numeric = {name for name in names if all(type(row.get(name)) in (int, float, type(None)) for row in plain)}
    cells = [
        [graded(shown.get(name), _grade(row, name)) for name in names] for row, shown in zip(rows, plain, strict=True)
    ]
    screen.show(fitted(screen, names, cells, right=numeric, spare=spare))


def _grade(row: object, name: str) -> Grade | None:
    """Return what the state in a field means, where its type says so."""
    value = row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)
    grade = getattr(value, "grade", None)
    return grade if isinstance(grade, Grade) else None
