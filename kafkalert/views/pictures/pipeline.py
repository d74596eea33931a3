"""Does it flow? The clusters as boxes that keep their places, and what flows between them."""

from collections.abc import Sequence
from typing import Final

from kafkalert.config.pipeline import OUTBOUND
from kafkalert.model.records import Channel
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Instance, Survey
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.status import FlowStatus
from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.views.canvas import Canvas, sparkline
from kafkalert.views.pictures.flows import is_seen
from kafkalert.views.pictures.frame import BOTTOM, TOP
from kafkalert.views.pictures.look import WIDE, Look, clock, last, number, span
from kafkalert.views.pictures.marks import dot

_LEFT: Final = 13
"""Columns left of the boxes, for what comes in."""
_NAMES: Final = {Channel.EMAIL: "e-mail", Channel.SMS: "SMS", Channel.PUSH: "push"}
_STAGES: Final = ("bridge", "alerting")


def draw(canvas: Canvas, snapshot: Snapshot, look: Look) -> None:
    """Draw it: one box for each cluster, below them charts where there is room."""
    wide = canvas.width >= WIDE
    left = 20 if wide else _LEFT
    rows = 9 if wide and canvas.height > 40 else 5  # noqa: PLR2004 - as tall as the boxes want it
    y = TOP
    clusters = snapshot.context.clusters
    survey = snapshot.survey
    for place, name in enumerate(clusters):
        _box(canvas, snapshot, look, name, (left, y, canvas.width - left - 1, rows))
        if survey is None or name == survey.active:
            _source(canvas, snapshot, look, (1, y + rows // 2 - (rows > 5), left - 2))  # noqa: PLR2004 - as above
        y += rows
        if place + 1 < len(clusters):
            _flows(canvas, snapshot, (name, clusters[place + 1]), (left, y))
            y += 2
    if canvas.height - BOTTOM - y > 8:  # noqa: PLR2004 - rows that charts and news take
        _charts(canvas, snapshot, y + 1)


def _box(canvas: Canvas, snapshot: Snapshot, look: Look, name: str, at: tuple[int, int, int, int]) -> None:
    x, y, width, height = at
    survey = snapshot.survey
    cluster = survey.cluster(name) if survey is not None else None
    active = survey is not None and survey.active == name
    answers = cluster is None or cluster.answers
    style = "dim" if survey is None else "red" if not answers else "green" if active else ""
    heavy = active and answers
    top, side, corners = ("━", "┃", "┏┓┗┛") if heavy else ("─", "│", "┌┐└┘")
    canvas.put(x, y, f"{corners[0]}{top} ", style)
    end = canvas.put(x + 3, y, name, f"bold {style}".strip())
    state = _state(survey, answers=answers, active=active)
    canvas.put(end, y, f" {top * max(0, x + width - end - len(state) - 6)} ", style)
    canvas.put(x + width - len(state) - 4, y, f" {state} {top}{corners[1]}", style)
    for row in range(y + 1, y + height - 1):
        canvas.put(x, row, side, style)
        canvas.put(x + width - 1, row, side, style)
    canvas.put(x, y + height - 1, f"{corners[2]}{top * (width - 2)}{corners[3]}", style)
    inside = (x + 3, y + (2 if height > 5 else 1), width - 6)  # noqa: PLR2004 - a tall box has an empty row
    if survey is None:
        return
    if not answers:
        away = snapshot.away.get(name)
        canvas.put(inside[0], inside[1] + 1, f"no answer{f' for {span(away)}' if away else ''}", "bold red")
    elif active:
        _inside(canvas, snapshot, look, inside, tall=height > 5)  # noqa: PLR2004 - as above
    else:
        there = [one for one in survey.instances if one.cluster == name and one.presence is Presence.ALIVE]
        words = f"{len(there)} instances are here, where they should not be" if there else _idle(survey, name)
        canvas.put(inside[0], inside[1] + 1, words, "red" if there or survey.given_up == name else "")


def _state(survey: Survey | None, *, answers: bool, active: bool) -> str:
    if survey is None:
        return "asking"
    if not answers:
        return "active, does not answer" if active else "does not answer"
    return "active" if active else "passive"


def _idle(survey: Survey, name: str) -> str:
    if survey.given_up == name:
        return "left by force, may hold stranded records: kafkalert failover reconcile"
    carried = all(flow.state is Condition.RUNNING for flow in survey.flows) and survey.flows
    return "holds the same records; nothing runs here" if carried else "nothing runs here"


def _inside(canvas: Canvas, snapshot: Snapshot, look: Look, at: tuple[int, int, int], *, tall: bool) -> None:
    x, y, width = at
    survey, window = snapshot.survey, snapshot.window
    if survey is None:
        return
    channels = x + max(33, width - 30)
    canvas.put(x, y, "accountentry")
    waiting = _waiting(survey)
    canvas.put(x, y + 1, f"{number(waiting)} wait", "yellow" if waiting else "")
    canvas.put(x, y + 2, sparkline(window.waiting[-60:], 12), "cyan")
    middle = x + 17
    alerting = [one for one in survey.instances if one.stage == "alerting" and one.presence is not Presence.STOPPED]
    flows = bool(last(window.bookings))
    _arrow(canvas, (middle - 4, y + 1, 3), look, flows=flows, rate=last(window.bookings))
    canvas.put(middle, y, "alerting")
    _dots(canvas, (middle, y + 1), alerting)
    canvas.put(middle, y + 2, _latency(alerting))
    rates = {_NAMES[channel]: window.channels.get(channel.value, ()) for channel in OUTBOUND}
    arrow_end = channels - 2
    for row, (name, numbers) in enumerate(rates.items()):
        rate = last(numbers)
        start = middle + 17
        if arrow_end - start >= 3:  # noqa: PLR2004 - an arrow's least
            _arrow(canvas, (start, y + row, arrow_end - start), look, flows=bool(rate), rate=rate)
        canvas.put(channels, y + row, f"{name:<8}{number(rate):>6}/s")
        canvas.put(channels + 18, y + row, sparkline(numbers[-60:], max(0, x + width - channels - 19)), "cyan")
    if tall:
        dead = sum(sum(one.dead_letters.values()) for one in survey.instances)
        canvas.put(x, y + 4, f"dead letters {dead:,}", "yellow" if dead else "")
        uncommitted = sum(group.lag for group in survey.groups) if survey.groups is not None else None
        canvas.put(middle + 17, y + 4, f"not committed {number(uncommitted)}")


def _waiting(survey: Survey) -> int | None:
    known = [
        one.lag for one in survey.instances if one.known and one.stage != "bridge" and not one.state.startswith("held")
    ]
    return sum(known) if known else None


def _latency(alerting: Sequence[Instance]) -> str:
    halves = [one.p50_ms for one in alerting if one.p50_ms is not None and one.known]
    most = [one.p99_ms for one in alerting if one.p99_ms is not None and one.known]
    return f"p50 {max(halves)} p99 {max(most)} ms" if halves and most else "no alerts now"


def _dots(canvas: Canvas, at: tuple[int, int], instances: Sequence[Instance]) -> None:
    x, y = at
    if not instances:
        canvas.put(x, y, "does not run", "bold red")
        return
    for one in instances[:6]:
        character, style, _ = dot(one)
        x = canvas.put(x, y, character, style)
    running = sum(one.presence is Presence.ALIVE and one.state == "running" for one in instances)
    canvas.put(x + 1, y, f"{running} run" if len(instances) > 1 else ("runs" if running else ""))


def _arrow(canvas: Canvas, at: tuple[int, int, int], look: Look, *, flows: bool, rate: float | None) -> None:
    """Draw an arrow in which something moves the faster the more flows; dotted where nothing does."""
    x, y, width = at
    if not flows:
        canvas.put(x, y, f"{'╌' * (width - 1)}▷", "dim")
        return
    canvas.put(x, y, f"{'━' * (width - 1)}▶", "green")
    if not look.still and width > 2:  # noqa: PLR2004 - something has to have room to move
        pace = 1 if (rate or 0) < 10 else 2 if (rate or 0) < 1000 else 3  # noqa: PLR2004 - bookings a second
        canvas.put(x + look.frame * pace % (width - 1), y, "╸", "bold green")


def _source(canvas: Canvas, snapshot: Snapshot, look: Look, at: tuple[int, int, int]) -> None:
    x, y, width = at
    survey, window = snapshot.survey, snapshot.window
    bridges = [one for one in survey.instances if one.stage == "bridge"] if survey is not None else []
    bridges = [one for one in bridges if one.presence is not Presence.STOPPED]
    if bridges:
        end = canvas.put(x, y, "bridge ")
        for one in bridges[:4]:
            character, style, _ = dot(one)
            end = canvas.put(end, y, character, style)
    else:
        canvas.put(x, y, "others write" if survey is not None else "", "dim")
    rate = last(window.brought if bridges else window.bookings)
    if survey is not None:
        _arrow(canvas, (x, y + 1, width), look, flows=bool(rate), rate=rate)
        canvas.put(x, y + 2, f"{number(rate)}/s")


def _flows(canvas: Canvas, snapshot: Snapshot, names: tuple[str, str], at: tuple[int, int]) -> None:
    x, y = at
    upper, lower = names
    flows = {(flow.source, flow.target): flow for flow in snapshot.survey.flows} if snapshot.survey is not None else {}
    width = canvas.width - x
    _flow(canvas, snapshot, (x + 10, y), flows.get((upper, lower)), down=True)
    _flow(canvas, snapshot, (x + 10 + max(24, width // 2 - 8), y), flows.get((lower, upper)), down=False)


def _flow(canvas: Canvas, snapshot: Snapshot, at: tuple[int, int], flow: FlowStatus | None, *, down: bool) -> None:
    x, y = at
    runs = flow is not None and flow.state is Condition.RUNNING
    blind = flow is not None and runs and not is_seen(flow, snapshot)
    runs = runs and not blind
    style = "" if runs else "dim" if flow is None else "red"
    line, first, second = ("┃" if runs else "╏"), ("▲" if not down else ""), ("▼" if down else "")
    canvas.put(x, y, first or line, style)
    canvas.put(x, y + 1, second or line, style)
    if flow is None:
        canvas.put(x + 2, y, "mirror ?", "dim")
        return
    canvas.put(x + 2, y, "mirror ?" if blind else f"mirror {'runs' if runs else flow.state}", style)
    if flow.lag_records is not None and not blind:
        least = "" if flow.lag_complete else "at least "
        carry = "idle" if flow.lag_complete and not flow.lag_records else f"{least}{flow.lag_records:,} to carry"
        canvas.put(x + 2, y + 1, carry, "dim")
    elif runs:
        canvas.put(x + 2, y + 1, "? to carry", "red")


def _charts(canvas: Canvas, snapshot: Snapshot, y: int) -> None:
    window, width = snapshot.window, canvas.width - 24
    canvas.put(1, y, "Last three minutes", "bold")
    y += 1
    for name, numbers, style in (
        ("bookings/s", window.bookings, "cyan"),
        ("alerts/s", window.alerts, "green"),
        ("wait", window.waiting, "yellow"),
    ):
        if y >= canvas.height - BOTTOM:
            return
        canvas.put(1, y, f"{name:<12}{number(last(numbers)):>8}")
        canvas.put(22, y, sparkline(numbers, min(width, len(numbers) or width)), style)
        y += 1
    room = canvas.height - BOTTOM - y - 2
    if room > 0 and snapshot.changes:
        canvas.put(1, y + 1, "What changed", "bold")
        for place, change in enumerate(snapshot.changes[:room]):
            canvas.put(1, y + 2 + place, f"{clock(change.at)} {change.text}")
