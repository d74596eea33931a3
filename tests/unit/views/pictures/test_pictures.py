"""Every screen in every state, at three sizes: as it was reviewed, never wider than asked, readable without colours.

After a change that is wanted: `KAFKALERT_PICTURES=1 pytest tests/unit/views/pictures` writes them anew, to be reviewed.
"""

import os
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import ColorType

from kafkalert.ops.failover.status.findings import judged
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.ops.overview.verdict import verdict
from kafkalert.tui.keys import KEYS
from kafkalert.views.pictures.alerts import AlertSeen, AlertsSeen
from kafkalert.views.pictures.look import CHANGES, HELP, INSTANCES, LAG, PIPELINE, SCREENS, Look
from kafkalert.views.pictures.screens import picture
from tests.support.data.picture import SURVEY, clusters, flow, instance
from tests.support.data.snapshots import AT, STATES, snapshot

SIZES = ((60, 20), (80, 24), (160, 50))
EVERY = (*SCREENS, HELP, CHANGES)
EXPECTED = Path(__file__).with_name("expected")
SEEN = AlertsSeen(
    [
        AlertSeen(AT, "email", "p***@mail.example", "Debited 739.78 EUR from ***0066, over your 50.00 EUR", "i"),
        AlertSeen(AT, "sms", "***32", "Balance of ***4300 fell below your 100.00 EUR", "i"),
    ],
    1204,
    1000,
    None,
    204,
)


def drawn(state: str, screen: str, width: int, height: int) -> str:
    """What a screen shows."""
    look = Look(screen=screen, still=True)
    return picture(STATES[state], look, width, height, keys=KEYS, seen=SEEN).plain()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_screen_is_as_it_was_reviewed(state: str, size: tuple[int, int]) -> None:
    """All screens of a state at one size stand in one file."""
    file = EXPECTED / f"{state.replace(' ', '-')}-{size[0]}x{size[1]}.txt"
    shown = "".join(f"==== {screen}\n{drawn(state, screen, *size)}\n" for screen in EVERY)
    if "KAFKALERT_PICTURES" in os.environ:
        EXPECTED.mkdir(exist_ok=True)
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("state", "screen"), list(product(STATES, EVERY)))
@settings(max_examples=12)  # of each of 126
@given(width=st.integers(0, 200), height=st.integers(0, 60), row=st.integers(0, 300), frame=st.integers(0, 10_000))
def test_nothing_is_wider_or_higher_than_asked(
    state: str, screen: str, width: int, height: int, row: int, frame: int
) -> None:
    """Of any size, also one in which nothing has room."""
    canvas = picture(STATES[state], Look(screen=screen, row=row, frame=frame), width, height, keys=KEYS, seen=SEEN)
    lines = list(canvas.lines())
    assert len(lines) == height
    assert all(sum(cell_len(segment.text) for segment in line) == width for line in lines)


@pytest.mark.parametrize(("state", "screen"), list(product(STATES, EVERY)))
def test_a_terminal_of_sixteen_colours_shows_them_all(state: str, screen: str) -> None:
    """No style has another colour."""
    for line in picture(STATES[state], Look(screen=screen), 160, 50, keys=KEYS, seen=SEEN).lines():
        for segment in line:
            colours = [segment.style.color, segment.style.bgcolor] if segment.style is not None else []
            assert all(colour is None or colour.type is ColorType.STANDARD for colour in colours)


def test_states_can_be_told_apart_without_colours() -> None:
    """No two states look the same, on the first screen."""
    shown = {state: drawn(state, PIPELINE, 80, 24) for state in STATES}
    shown.pop("many")
    shown.pop("refused")  # told by the dead letters' screen
    assert len(set(shown.values())) == len(shown)


def test_the_chosen_screen_is_known_without_colours() -> None:
    """Where colours are not wanted, it stands in brackets."""
    shown = picture(STATES["calm"], Look(screen=LAG, plain=True), 80, 24).plain()
    assert "[2 Lag]" in shown


def test_what_is_old_says_so() -> None:
    """A snapshot of three seconds ago is one."""
    assert "4 s old" in picture(STATES["calm"], Look(age=4.0), 80, 24).plain()
    assert " old" not in picture(STATES["calm"], Look(age=3.0), 80, 24).plain()


def test_a_name_from_outside_moves_no_cursor() -> None:
    """What a hostile heartbeat says is shown as what it is."""
    survey = replace(STATES["calm"].survey, instances=(instance("a\x1b[31mb", "c\r\nd", host="\x9bh"),))  # type: ignore[type-var]  # there is one
    for screen in SCREENS:
        shown = picture(snapshot(survey), Look(screen=screen), 160, 50).plain()
        assert all(character.isprintable() for character in shown.replace("\n", ""))


_INSTANCES = st.lists(
    st.builds(
        instance,
        st.text(max_size=5),
        st.sampled_from(["running", "loading", "held: x", "prepared", "stopped"]),
        st.sampled_from(Presence),
        lag=st.integers(0, 10**9),
        since_beat=st.none() | st.floats(0, 1000),
        p50_ms=st.none() | st.integers(0, 10**6),
        p99_ms=st.none() | st.integers(0, 10**6),
        stage=st.sampled_from(["alerting", "bridge", "other"]),
        cluster=st.sampled_from(["dc1", "dc2", ""]),
    ),
    max_size=6,
)


@given(
    instances=_INSTANCES,
    dead=st.sampled_from([(), ("dc1",), ("dc2",), ("dc1", "dc2")]),
    lag=st.none() | st.integers(0, 10**9),
    active=st.sampled_from(["dc1", "dc2"]),
)
def test_no_snapshot_raises(instances: list, dead: tuple[str, ...], lag: int | None, active: str) -> None:  # type: ignore[type-arg]  # of Instance
    """Whatever there is, each screen can be drawn."""
    flows = (flow("dc1", "dc2", lag_records=lag), flow("dc2", "dc1", lag_records=lag))
    survey = judged(
        replace(SURVEY, instances=tuple(instances), clusters=clusters(*dead), flows=flows, groups=None, active=active)
    )
    made: Snapshot = snapshot(survey, judgement=verdict(survey))
    for screen in EVERY:
        assert picture(made, Look(screen=screen), 80, 24, keys=KEYS, seen=SEEN).plain()


def test_what_is_not_known_is_never_a_zero() -> None:
    """Of an instance that is silent nobody knows how much waits, and of a mirror that says nothing how far it is."""
    silent = instance("vm-1", presence=Presence.SILENT, host="h")
    survey = replace(SURVEY, instances=(silent,), flows=(flow("dc1", "dc2", lag_records=None),), groups=None)
    row = next(
        line
        for line in picture(snapshot(survey), Look(screen=INSTANCES), 160, 50).plain().splitlines()
        if "vm-1" in line
    )
    wait, rate = row[62:71].strip(), row[71:79].strip()
    assert "0" not in (wait, rate)
    assert "? to carry" in picture(snapshot(survey), Look(), 80, 24).plain()
