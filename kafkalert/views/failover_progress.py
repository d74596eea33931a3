"""How a switch looks while it goes on: a row for each instance on a terminal, a line for each step elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from kafkalert.ops.failover.result import Loss, Outcome, Result
from kafkalert.ops.failover.switch.progress_log import InstanceSeen, Snapshot, Status, StepSeen, Tell
from kafkalert.views import terminal
from kafkalert.views.screen import Screen
from kafkalert.views.values import printable

ROWS = 20
_MARKS = {Status.DONE: ("✓", "green"), Status.FAILED: ("✗", "red"), Status.GOING: ("…", "")}


@contextmanager
def view() -> Iterator[Tell]:
    """Show what it is told on stderr, as suits it; the last picture stays."""
    console = Screen(stderr=True)
    if not console.is_terminal:
        yield Lines(terminal.say).tell
        return
    with Live(console=console, refresh_per_second=10, transient=False) as live:
        yield lambda snapshot: live.update(picture(snapshot))


class Lines:
    """A line for each step that ended, and for each instance that got further."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told: set[tuple[str, str]] = set()

    def tell(self, snapshot: Snapshot) -> None:
        """Say what is new."""
        for instance in snapshot.instances:
            if instance.prepared is not None:
                self._once(
                    instance.instance,
                    "prepared",
                    f"{instance.prepared:6.2f} s  {instance.stage} {instance.instance} stands still",
                )
            if instance.running is not None:
                where = f"{instance.stage} {instance.instance} runs on {instance.cluster}"
                self._once(instance.instance, "running", f"{instance.running:6.2f} s  {where}")
        for step in snapshot.steps:
            if step.status is not Status.GOING:
                detail = f": {step.detail}" if step.detail else ""
                failed = " FAILED" if step.status is Status.FAILED else ""
                line = f"{step.step.value}{failed} after {step.seconds:.2f} s{detail}"
                self._once(step.step.value, step.status.value, line)

    def _once(self, who: str, what: str, line: str) -> None:
        if (who, what) not in self._told:
            self._told.add((who, what))
            self._say(printable(line))


def picture(snapshot: Snapshot) -> RenderableType:
    """Return steps with their times, then the instances."""
    parts: list[RenderableType] = [_step(step) for step in snapshot.steps]
    if snapshot.instances:
        parts += [Text(), _instances(snapshot.instances)]
    return Group(*parts)


def _step(step: StepSeen) -> RenderableType:
    took = "" if step.status is Status.GOING else f"  {step.seconds:.2f} s"
    detail = f"  {printable(step.detail)}" if step.detail else ""
    if step.status is Status.GOING:
        return Spinner("line", Text.assemble(step.step.value, (detail, "dim")))
    return Text.assemble(_MARKS[step.status], f" {step.step.value}", (f"{took}{detail}", "dim"))


def _instances(instances: tuple[InstanceSeen, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    # Those that are not there yet come first: they are what one waits for.
    ordered = sorted(instances, key=lambda instance: (instance.running is not None, instance.stage, instance.instance))
    for instance in ordered[:ROWS]:
        done = instance.running is not None
        table.add_row(
            Text(printable(instance.stage), "bold"),
            printable(instance.instance),
            Text(printable(f"{instance.state} on {instance.cluster}"), "green" if done else ""),
            Text("" if instance.prepared is None else f"stood still at {instance.prepared:.2f} s", "dim"),
            Text("" if instance.running is None else f"runs at {instance.running:.2f} s", "green"),
        )
    if len(ordered) > ROWS:
        table.add_row("", f"and {len(ordered) - ROWS} more", "", "", "")
    return table


def result_words(result: Result, warnings: Sequence[str] = ()) -> list[str]:
    """Return what is now, and how long it took; after a dry run what was wrong before it."""
    if result.outcome is Outcome.PLANNED:
        checked = "All checks passed; nothing was changed, as --dry-run asks."
        return [checked, *(f"Mind: {warning}" for warning in warnings)]
    lines = [f"Stages run on {result.active}, epoch {result.epoch}. It took {result.seconds:.1f} s."]
    if result.outcome is Outcome.INCOMPLETE:
        lines = [f"The switch to {result.active} stands, epoch {result.epoch}, but not every instance runs there."]
    if result.pause is not None and result.outcome is Outcome.SWITCHED:
        # Before a forced one nobody knows how long the old cluster was dead.
        told = "Instances ran again after" if result.mode == "forced" else "Alerts paused for at most"
        lines[0] += f" {told} {result.pause:.1f} s."
    lines += [f"{name} does not run there." for name in result.missing]
    hung = [
        instance
        for instance in result.instances
        if instance.state in {"silent", "stuck"} and instance.instance not in result.missing
    ]
    lines += [
        f"{instance.stage} {instance.instance} is {instance.state}; should it still live, it goes there once it wakes."
        for instance in hung
    ]
    return [*lines, *loss_words(result.loss), *result.problems]


def loss_words(loss: Loss) -> list[str]:
    """Return what is lost and what is done again."""
    return list(loss.words) or ["Nothing was lost, and nothing is done twice."]
