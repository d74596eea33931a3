"""What happens if I move now? And while somebody moves: how far is it?"""

from typing import Final

from kafkalert.ops.failover.status.history import Switch
from kafkalert.ops.failover.status.instances import GONE_SECONDS, Presence
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.overview.moving import Doing, Moving, Track
from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.ops.wording import counted
from kafkalert.views.canvas import Canvas, folded
from kafkalert.views.pictures.frame import BOTTOM, TOP
from kafkalert.views.pictures.look import WIDE, Look
from kafkalert.views.pictures.rows import Column, draw_rows

_COLUMNS: Final = (
    Column("when", 14),
    Column("from → to", 12),
    Column("how", 8),
    Column("outcome", 9),
    Column("s", 6, right=True),
    Column("who", 18),
    Column("why", 60, least=WIDE),
)
_BLOCKS: Final = {Doing.WORKS: ("█", "green"), Doing.STANDS_STILL: ("░", "magenta"), Doing.JOINS: ("▒", "yellow")}
_LITTLE: Final = 100_000
"""Records that a mirror carries within the time of a switch."""
Check = tuple[bool | None, str, str]
"""Whether it holds (None: nobody knows), what it is, and what there is to say."""


def target_of(survey: Survey) -> str:
    """Return the cluster to which stages would be moved; empty where there is only one."""
    return next((cluster.name for cluster in survey.clusters if cluster.name != survey.active), "")


def readiness(survey: Survey) -> list[Check]:
    """Return what a planned switch needs, by what is known now, at no cost. The command checks all of it again."""
    away = [cluster.name for cluster in survey.clusters if not cluster.answers]
    flows = [flow for flow in survey.flows if flow.state is not Condition.RUNNING]
    silent = [one for one in survey.instances if one.presence in {Presence.SILENT, Presence.STUCK}]
    unheard = [one for one in survey.instances if one.unheard]
    pending = survey.pending
    carry = [flow.lag_records for flow in survey.flows if flow.source == survey.active]
    left = carry[0] if carry else None
    return [
        (not away, "both clusters answer", f"{away[0]} does not" if away else ""),
        (
            None if not survey.flows or (away and not flows) else not flows,
            "both flows run",
            f"{flows[0].source} → {flows[0].target} is {flows[0].state}" if flows else "",
        ),
        (pending is None, "nobody else is at it", f"{pending.by} is" if pending is not None else ""),
        (
            not silent and not unheard,
            "every instance is heard",
            f"{silent[0].instance} is silent: all stand still for {GONE_SECONDS:.0f} s"
            if silent
            else f"{unheard[0].instance} is not heard on {unheard[0].unheard[0]}"
            if unheard
            else "",
        ),
        (
            None if left is None else left < _LITTLE,
            "little has to cross",
            "" if left is None else counted(left, "record"),
        ),
    ]


def draw(canvas: Canvas, snapshot: Snapshot, look: Look) -> None:
    """Draw it."""
    survey = snapshot.survey
    if survey is None:
        return
    target = target_of(survey)
    if not target:
        canvas.put(1, TOP, "This context has one cluster; there is nowhere to move to.", "bold")
        return
    y = draw_moving(canvas, snapshot.moving, TOP) if snapshot.moving is not None else _prices(canvas, survey, target)
    if y < canvas.height - BOTTOM - 2:
        canvas.put(1, y, "Those that were", "bold")
        if snapshot.switches:
            draw_rows(canvas, y + 1, _COLUMNS, [_past(switch) for switch in snapshot.switches], look.row)
        else:
            canvas.put(1, y + 1, "There was no switch yet.", "dim")


def _prices(canvas: Canvas, survey: Survey, target: str) -> int:
    y = TOP
    canvas.put(1, y, f"If you moved to {target} now", "bold")
    canvas.put_right(canvas.width - 1, y, "f moves · D dry run, with all checks", "dim")
    checks = readiness(survey)
    for holds, what, why in checks:
        y += 1
        mark, style = ("?", "red") if holds is None else ("✓", "green") if holds else ("✗", "bold red")
        canvas.put(2, y, mark, style)
        canvas.put(4, y, what)
        canvas.put(29, y, why, "" if holds else "bold")
    price = planned_price(survey)
    for line in folded(price, canvas.width - 3, 2):
        y += 1
        canvas.put(2, y, line)
    y += 2
    canvas.put(1, y, f"If {survey.active} were dead", "bold")
    canvas.put_right(canvas.width - 1, y, "F forces · only then", "dim")
    for line in folded(forced_price(survey, target), canvas.width - 3, 3):
        y += 1
        canvas.put(2, y, line)
    return y + 2


def planned_price(survey: Survey) -> str:
    """Return what a planned switch would take, in a sentence; by what is known now, at no cost."""
    moved = [one for one in survey.instances if one.presence is Presence.ALIVE]
    silent = any(one.presence in {Presence.SILENT, Presence.STUCK} for one in survey.instances)
    checks = [holds for holds, what, _ in readiness(survey) if "heard" not in what]
    if False in checks:
        return "A planned switch would be refused, or called off."
    if None in checks or not all(cluster.control for cluster in survey.clusters):
        return "Whether a planned switch would work is not known; D makes all checks."
    waiting = "?" if survey.groups is None else f"{sum(group.lag for group in survey.groups):,}"
    again = "what the silent one had not committed is done again" if silent else "nothing is done twice"
    move = f"{counted(len(moved), 'instance')} move{'s' * (len(moved) == 1)}"
    return f"{move}, {waiting} records wait meanwhile; nothing is lost, {again}."


def forced_price(survey: Survey, target: str) -> str:
    """Return what a forced switch would lose and repeat, by what was seen last."""
    flow = next((flow for flow in survey.flows if flow.source == survey.active), None)
    if flow is None or flow.lag_records is None:
        return f"How many records had not crossed to {target} is not known."
    least = "At least " if not flow.lag_complete else ""
    records = counted(flow.lag_records, "record")
    crossed = (
        "Every record had crossed"
        if flow.lag_complete and not flow.lag_records
        else f"{least}{records} had not crossed"
    )
    return (
        f"{crossed} when this was last seen, and up to a second's more. A bridge that runs sends its last 60 s again. "
        "Bookings of the last 80 s are done again, with the same ids."
    )


def draw_moving(canvas: Canvas, moving: Moving, y: int) -> int:
    """Draw a switch that is under way, or that ended lately; returns the row behind it."""
    end = moving.ended
    state = {"": "c calls it off", "COMMIT": "done", "ABORT": "called off"}[moving.outcome]
    title = f"{moving.source} → {moving.target}  {moving.mode}  {moving.by}"
    canvas.put(1, y, f'{title}  "{moving.reason}"' if moving.reason else title, "bold magenta")
    canvas.put_right(canvas.width - 1, y, state, "bold")
    begin = moving.began - 500
    newest = max((at for track in moving.tracks for at, _ in track.told), default=begin)
    last = max(newest, end or 0, begin + 1000) + 500
    width = max(10, canvas.width - 46)
    for track in moving.tracks[: max(0, canvas.height - BOTTOM - y - 4)]:
        y += 1
        canvas.put(2, y, f"{track.stage:<9} {(track.host or track.instance)[:16]:<16}")
        _bar(canvas, (30, y, width), track, begin, last)
        if track.paused is not None:
            canvas.put_right(canvas.width - 1, y, f"paused {track.paused:.2f} s")
    y += 1
    canvas.put(2, y, "█ works  ░ stands still  ▒ joins", "dim")
    return y + 2


def _bar(canvas: Canvas, at: tuple[int, int, int], track: Track, begin: int, last: int) -> None:
    x, y, width = at
    for place in range(width):
        moment = begin + (last - begin) * (place + 1) // width
        doing = next((what for told, what in reversed(track.told) if told <= moment), None)
        if doing is not None:
            canvas.put(x + place, y, *_BLOCKS[doing])


def _past(switch: Switch) -> list[tuple[str, str]]:
    outcome = {"switched": "green", "aborted": "yellow"}.get(switch.outcome, "")
    return [
        ("?" if switch.at is None else f"{switch.at:%m-%d %H:%M:%S}", ""),
        (f"{switch.source} → {switch.target}", ""),
        (switch.mode, "red" if switch.mode == "forced" else ""),
        (switch.outcome, outcome),
        ("–" if switch.seconds is None else f"{switch.seconds:.1f}", ""),
        (switch.by, ""),
        (switch.reason or switch.note, "dim"),
    ]
