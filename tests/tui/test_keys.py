"""Every key of the table does what help says of it, and stands in help; what changes something asks first."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input

from kafkalert.tui.app import Dashboard
from kafkalert.tui.board import Board
from kafkalert.tui.dialogs import Ask
from kafkalert.tui.keys import KEYS
from kafkalert.views.pictures.look import SCREENS
from tests.support.data.picture import instance
from tests.support.data.snapshots import STATES
from tests.tui.conftest import Ran

Make = Callable[..., Dashboard]
Test = Callable[[Pilot[None], Dashboard], Awaitable[None]]


def drive(app: Dashboard, test: Test, size: tuple[int, int] = (100, 30)) -> None:
    """Run a test in front of a screen of that size."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await test(pilot, app)

    asyncio.run(run())


def shown(app: Dashboard) -> str:
    """What stands on the board."""
    board = app.screen_stack[0].query_one(Board)
    return "\n".join("".join(segment.text for segment in board.render_line(y)) for y in range(board.size.height))


def test_a_digit_shows_its_screen(dashboard: Make) -> None:
    """1 to 7, in the order of the tabs."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        for place, name in enumerate(SCREENS, 1):
            await pilot.press(str(place))
            assert app.on_screen == name

    drive(dashboard("calm"), test)


def test_every_key_stands_in_help_and_no_other(dashboard: Make) -> None:
    """At a size in which all have room."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("question_mark")
        text = shown(app)
        for key in KEYS:
            assert key.shown in text
            assert key.words[:20] in text
        bound = {binding.key for binding in app._bindings.key_to_bindings.get("f", [])}
        assert bound == {"f"}

    drive(dashboard("calm"), test, (160, 50))


@pytest.mark.parametrize("state", ["empty", "one cluster", "dead"])
def test_no_key_breaks_any_screen(dashboard: Make, ran: Ran, state: str) -> None:
    """Each on its own screen, those of all on one after the other, in states in which there is little to show."""
    names = [(name, key.screen or SCREENS[place % 7]) for place, key in enumerate(KEYS) for name in key.keys.split(",")]

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        for name, screen in names:
            if name in {"q", "ctrl+c", "ctrl+q"}:
                continue
            app.action_show(SCREENS.index(screen) + 1)
            before = len(ran.commands)
            await pilot.press(name)
            assert name == "D" or len(ran.commands) == before, "nothing is changed without a question"
            if len(app.screen_stack) > 1 or name == "slash":
                await pilot.press("escape")
        assert app.is_running
        await pilot.press("q")

    drive(dashboard(state), test)
    assert all(command[0] == "failover" for command in ran.commands)


def test_rows_are_chosen_and_the_window_follows(dashboard: Make) -> None:
    """Down, up, ten rows, the first and the last of 200."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("2")
        for keys, row in ((["down", "j"], "197"), (["k"], "198"), (["pagedown"], "188"), (["G"], "0"), (["g"], "199")):
            await pilot.press(*keys)
            (line,) = [line for line in shown(app).splitlines() if line.startswith("▸")]
            assert f"accountentry/{row} " in line, keys

    drive(dashboard("many"), test)


def test_a_filter_leaves_what_holds_it_and_esc_takes_it_away(dashboard: Make) -> None:
    """By a word that is typed."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("2", "slash", *"entry/17", "enter")
        assert "accountentry/170" in shown(app)
        assert "accountentry/18 " not in shown(app)
        await pilot.press("escape")
        assert "accountentry/199" in shown(app)
        await pilot.press("slash", *"17", "escape", "3")
        assert app.on_screen == SCREENS[2], "esc left the line in which a filter is written"

    drive(dashboard("many"), test)


def test_partitions_are_sorted_otherwise(dashboard: Make) -> None:
    """By what waits, by their name, by pace."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("2")
        assert "▸accountentry/199" in shown(app)
        await pilot.press("s")
        assert "▸accountentry/0 " in shown(app)
        assert "Sorted by partition." in shown(app)

    drive(dashboard("many"), test)


def test_an_instance_is_opened_and_left(dashboard: Make) -> None:
    """The chosen one; esc goes back."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("4", "enter")
        assert "It says of itself: running." in shown(app)
        await pilot.press("escape")
        assert "It says of itself" not in shown(app)

    drive(dashboard("calm"), test)


def test_a_note_has_the_verdict_and_no_person(dashboard: Make) -> None:
    """It is shown as well: a terminal may drop what is copied."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("y")
        assert STATES["calm"].judgement.sentence[:60] in shown(app)
        assert "1,00" in app.clipboard
        assert "alerting host-7 is silent." in app.clipboard

    drive(dashboard("calm"), test)


def test_a_switch_is_asked_for_and_its_command_shown(dashboard: Make, ran: Ran) -> None:
    """On its own screen only; with the reason that was typed."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("f")
        assert "6 shows what a move costs" in shown(app)
        await pilot.press("6", "f")
        assert isinstance(app.screen, Ask)
        await pilot.press("escape")
        assert not ran.commands
        await pilot.press("f", *"why", "enter")
        assert ran.commands == [["failover", "--to", "dc2", "--yes", "--reason", "why"]]
        await pilot.press("f")
        assert "Another command is still running." in shown(app)

    drive(dashboard("calm"), test)


def test_production_wants_its_name(dashboard: Make, ran: Ran) -> None:
    """As the command does; another name goes nowhere."""
    app = dashboard("production")
    calm = STATES["production"]
    app.source.newest = replace(calm, context=replace(calm.context, read_only=False))  # type: ignore[misc]  # the fake's

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("6", "f", "enter")
        assert isinstance(app.screen, Ask)
        assert not ran.commands
        app.screen.query_one("#typed", Input).value = "bonk"
        await pilot.press("enter")
        assert not ran.commands
        app.screen.query_one("#typed", Input).value = "bank"
        await pilot.press("enter")
        assert ran.commands == [["failover", "--to", "dc2", "--confirm", "bank"]]

    drive(app, test)


def test_read_only_refuses_what_changes(dashboard: Make, ran: Ran) -> None:
    """And says why."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        for key in ("f", "F", "c"):
            await pilot.press("6", key)
            assert "read-only" in shown(app) or "No switch is under way" in shown(app)
        assert not ran.commands

    drive(dashboard("production"), test)


def test_force_is_for_a_dead_cluster_and_wants_the_target(dashboard: Make, ran: Ran) -> None:
    """Of one that answers it is refused."""

    async def alive(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("6", "F")
        assert "dc1 answers: f moves without loss." in shown(app)

    async def dead(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("6", "F")
        app.screen.query_one("#typed", Input).value = "dc2"
        await pilot.press("enter")
        assert ran.commands == [["failover", "--to", "dc2", "--force", "--accept-loss", "--yes"]]

    drive(dashboard("calm"), alive)
    drive(dashboard("dead"), dead)


def test_what_was_begun_is_called_off_by_c_and_asked_about_by_q(dashboard: Make, ran: Ran) -> None:
    """The own one as ctrl-c does it, that of somebody else by the command."""

    async def mine(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("6", "f", "enter")
        await pilot.press("c")
        assert ran.interrupted == 1, "also before anybody has seen it begin"
        await pilot.press("q")
        assert isinstance(app.screen, Ask)
        assert app.is_running

    async def others(pilot: Pilot[None], app: Dashboard) -> None:
        ran.commands.clear()
        await pilot.press("c")
        assert "6 shows a switch" in shown(app)
        await pilot.press("6", "c")
        assert isinstance(app.screen, Ask), "nobody's switch is called off unasked"
        assert not ran.commands
        await pilot.press("enter")
        assert ran.commands == [["failover", "cancel", "--yes"]]

    drive(dashboard("calm"), mine)
    drive(dashboard("switching"), others)


def test_what_a_failed_command_said_is_shown(dashboard: Make, ran: Ran) -> None:
    """With its status."""
    ran.lines[:] = ["Error: dc2 does not answer."]

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("6", "f", "enter")
        ran.ended = 5
        app.look()
        await pilot.pause()
        assert "Error: dc2 does not answer." in shown(app)
        assert "It ended with status 5." in shown(app)

    drive(dashboard("calm"), test)


def test_the_palette_finds_screens_and_instances(dashboard: Make) -> None:
    """Each with the command line that does the same."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        offers = list(app.get_system_commands(app.screen))
        assert {*SCREENS} <= {offer.title for offer in offers}
        assert "alerting vm-1" in {offer.title for offer in offers}
        await pilot.press("colon")
        await pilot.pause()
        assert len(app.screen_stack) > 1

    drive(dashboard("calm"), test)


def test_what_others_say_of_themselves_is_only_text(dashboard: Make) -> None:
    """Anybody may write a heartbeat: neither its words nor the names of its partitions steer anything."""
    app = dashboard("calm")
    calm = STATES["calm"]
    assert calm.survey is not None
    hostile = instance("vm-1", "held: [/x][@click=app.exit]\x1b]52;c;x", host="h")
    survey = replace(calm.survey, instances=(hostile,))
    odd = tuple(
        replace(part, partition=name) for part, name in zip(calm.partitions, ("x/y", "", "/", "x/²"), strict=True)
    )
    app.source.newest = replace(calm, survey=survey, partitions=odd)  # type: ignore[misc]  # the fake's

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("2", "s", "s", "s", "4", "enter", "escape")
        for offer in app.get_system_commands(app.screen):
            assert "\x1b" not in Content.from_markup(offer.help).plain
            assert not Content.from_markup(offer.help).spans
        await pilot.press("colon", *"held")
        await pilot.pause()
        assert app.is_running

    drive(app, test)


def test_a_screen_that_cannot_be_drawn_ends_nothing(dashboard: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and the others can be seen."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("kafkalert.views.pictures.screens.draw_frame", broken)
            await pilot.press("4")
            assert "This screen cannot be drawn" in shown(app)
        await pilot.press("2")
        assert "accountentry" in shown(app)

    drive(dashboard("calm"), test)


def test_enter_twice_answers_once(dashboard: Make, ran: Ran) -> None:
    """On a slow line both arrive before the question is gone."""

    async def test(pilot: Pilot[None], app: Dashboard) -> None:
        await pilot.press("6", "f")
        assert isinstance(app.screen, Ask)
        ask = app.screen
        ask.action_go_on()
        ask.action_go_on()
        await pilot.pause()
        assert len(ran.commands) == 1

    drive(dashboard("calm"), test)


def test_the_first_picture_does_not_wait_for_a_snapshot(dashboard: Make) -> None:
    """It says who is asked."""
    app = dashboard("calm")
    app.source.newest = None  # type: ignore[misc]  # the fake's

    async def test(_: Pilot[None], app: Dashboard) -> None:
        assert "Asking dc1 and dc2 ..." in shown(app)

    drive(app, test)
