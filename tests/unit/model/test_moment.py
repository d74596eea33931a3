"""Times that anybody may have written."""

from datetime import UTC, datetime

import pytest

from kafkalert.model.moment import moment


@pytest.mark.parametrize("ms", [-1, -(2**62), 2**60, 10**400], ids="abcd")
def test_what_no_calendar_knows_is_no_time(ms: int) -> None:
    assert moment(ms) is None


def test_a_time_is_in_utc_to_the_millisecond() -> None:
    assert moment(1_700_000_000_123) == datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)
