"""The grammar of offsets and times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.errors import UsageError
from kafkalert.ops.offsets import (
    LARGEST,
    SECONDS,
    AfterStart,
    Ago,
    At,
    BeforeEnd,
    End,
    Position,
    Start,
    Time,
    parse_position,
    parse_time,
)

NUMBER = st.integers(0, LARGEST)
POSITIONS: st.SearchStrategy[Position] = st.one_of(
    st.just(Start()),
    st.just(End()),
    NUMBER.map(At),
    NUMBER.map(AfterStart),
    NUMBER.map(BeforeEnd),
    NUMBER.filter(lambda ms: ms not in SECONDS).map(Time),
    st.integers(0, 10**13).map(lambda ms: Ago(timedelta(milliseconds=ms))),
)


@given(POSITIONS)
def test_a_position_is_read_as_it_is_written(position: Position) -> None:
    """parse(str(p)) is p."""
    assert parse_position(str(position)) == position


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001 - zones are added
def test_an_iso_time_is_its_instant_in_any_zone(moment: datetime, hours: int) -> None:
    """To the millisecond; without a zone it is UTC."""
    zoned = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert parse_position(f"@{zoned.isoformat()}") == Time(
        (zoned - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    )
    assert parse_time(moment.isoformat()) == parse_time(moment.replace(tzinfo=UTC).isoformat())


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("start", Start()),
        ("end", End()),
        ("0", At(0)),
        ("+5", AfterStart(5)),
        ("-5", BeforeEnd(5)),
        ("@0", Time(0)),
        ("@1769846400000", Time(1769846400000)),
        ("@2026-01-31", Time(1769817600000)),
        ("@2026-01-31T08:00", Time(1769846400000)),
        ("@2026-01-31T08:00:00Z", Time(1769846400000)),
        ("@2026-01-31 09:00:00.001+01:00", Time(1769846400001)),
        ("@-1h", Ago(timedelta(hours=1))),
        ("@-1h30m", Ago(timedelta(minutes=90))),
    ],
)
def test_positions(text: str, position: Position) -> None:
    assert parse_position(text) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Start",
        "1.5",
        "--1",
        "+-1",
        "1_000",
        "٣",
        "9223372036854775808",
        "@",
        "@now",
        "@-",
        "@-1",
        "@-1y",
        "@+1h",
    ],
)
def test_what_is_no_position_is_wrong_usage_with_the_grammar_as_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_position(text)
    assert "@-1h" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["2026-13-01", "2026-W05", "20260131T08", "1969-12-31", "9223372036854775808", "-999999999d999999999d"]
)
def test_what_is_no_time_is_wrong_usage_too(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        parse_time(text)


@given(st.text(max_size=20) | st.text("@-+0123456789TZ:.hmsd ", max_size=24))
def test_any_text_is_a_position_or_wrong_usage(text: str) -> None:
    """No other error gets out, and what is read is a position that reads the same again."""
    try:
        position = parse_position(text)
    except UsageError:
        return
    assert parse_position(str(position)) == position


def test_so_long_ago_is_a_time_once_it_is_known_when_now_is() -> None:
    assert Ago(timedelta(hours=1)).time(3_600_500) == Time(500)
    assert Ago(timedelta(days=400)).time(0) == Time(0)


@pytest.mark.parametrize("text", ["1769846400", "999999999"])
def test_seconds_for_milliseconds_are_told(text: str) -> None:
    """They would be January 1970, from which on everything is shown."""
    with pytest.raises(UsageError, match="is in 1970, as times are milliseconds") as refused:
        parse_time(text)
    assert f"@{text}000" in refused.value.hint
