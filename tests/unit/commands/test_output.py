"""`-o`: typed rows as tables, JSON, YAML and TSV."""

import io
import json
import sys
from collections import namedtuple
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kafkalert.commands.output import Format, emit, record, to_json, to_plain
from kafkalert.config.sections import Topics
from kafkalert.model.personal import AccountId, EmailAddress
from kafkalert.views import terminal
from kafkalert.views.values import printable


class Channel(StrEnum):
    """An enum."""

    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Row:
    """One field of each kind."""

    name: str
    lag: int | None
    channel: Channel
    address: EmailAddress
    age: timedelta
    seen: datetime
    tags: tuple[str, ...] = ()


ROW = Row(
    "one",
    5,
    Channel.EMAIL,
    EmailAddress("jane@bank.example"),
    timedelta(seconds=1.5),
    datetime(2026, 1, 31, tzinfo=UTC),
)
PLAIN = {
    "name": "one",
    "lag": 5,
    "channel": "email",
    "address": "j***@bank.example",
    "age": 1.5,
    "seen": "2026-01-31T00:00:00+00:00",
    "tags": [],
}
Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - an untyped named tuple is a row too


def test_a_row_is_plain_and_personal_data_masks_itself() -> None:
    """Enums are their values, durations seconds, times ISO 8601; an address shows as its own type wants."""
    assert record(ROW) == PLAIN


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Pair(1, Path("a")), {"left": 1, "right": "a"}),
        ({"k": {1, 2}}, {"k": [1, 2]}),
        ({AccountId("NL91ABNA0417164300"): 1}, {"***4300": 1}),
        (
            Topics(partitions=2),
            {"names": {}, "partitions": 2, "replication": 1, "retention": 604800, "delete_retention": 86400},
        ),
    ],
)
def test_other_shapes_of_rows(value: object, plain: object) -> None:
    assert to_plain(value) == plain


def test_a_scalar_is_no_row() -> None:
    with pytest.raises(TypeError):
        record("text")


def test_json_is_one_array_of_all_fields_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """`columns` choose what people see, never what programs read."""
    emit([ROW, ROW], Format.JSON, columns=["name"])
    out = capsys.readouterr().out
    assert json.loads(out) == [PLAIN, PLAIN]
    assert list(json.loads(out)[0]) == list(PLAIN)


def test_yaml_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    emit([ROW], Format.YAML)
    assert yaml.safe_load(capsys.readouterr().out) == [PLAIN]


@pytest.mark.parametrize(
    ("output", "out", "err"),
    [(Format.JSON, "[]\n", ""), (Format.YAML, "[]\n", ""), (Format.TSV, "", ""), (Format.TABLE, "", "No topics.\n")],
)
def test_nothing_is_data_for_programs_and_a_sentence_for_people(
    capsys: pytest.CaptureFixture[str], output: Format, out: str, err: str
) -> None:
    emit([], output, empty="No topics.")
    assert capsys.readouterr() == (out, err)


def test_a_table_off_a_terminal_has_no_box_no_colour_and_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns stand below each other; a line has no end of blanks; nothing is wrapped at 80."""
    emit([{"name": "x" * 200, "lag": 5}, {"name": "y", "lag": None}], Format.TABLE)
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "lag"]
    assert first == "x" * 200 + "    5"
    assert second == "y"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(), min_size=1, max_size=3))
def test_no_value_breaks_a_line_of_tsv(capsys: pytest.CaptureFixture[str], values: list[str]) -> None:
    """Each row is one line with as many fields as columns, whatever stands in them."""
    emit([{"a": value, "b": value} for value in values], Format.TSV)
    rows = capsys.readouterr().out.removesuffix("\n").split("\n")
    assert len(rows) == len(values) + 1
    assert all(row.count("\t") == 1 for row in rows)


@given(st.text())
def test_nothing_printed_steers_a_terminal(text: str) -> None:
    """Escape sequences and other control characters show as text."""
    assert printable(text).isprintable()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_reads_back(value: object) -> None:
    assert json.loads(to_json(value)) == value
    assert "\n" not in to_json(value)


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-15", "utf-8"])
def test_json_and_yaml_read_back_in_any_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """What the encoding lacks is written as these formats have it, beyond the basic plane too."""
    value = {"name": "łódź \U0001f600"}
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
    terminal.prepare()
    for form in (Format.JSON, Format.YAML):
        emit([value], form)
        sys.stdout.flush()
        written = raw.getvalue().decode(encoding)
        assert (json.loads if form is Format.JSON else yaml.safe_load)(written) == [value]
        raw.seek(0)
        raw.truncate()


def test_json_has_no_word_for_what_is_no_number() -> None:
    assert to_json({"a": float("nan"), "b": [float("inf")], "c": 1.5}) == '{"a": "nan", "b": ["inf"], "c": 1.5}'
