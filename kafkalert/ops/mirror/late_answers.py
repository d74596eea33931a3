"""Whether what a worker says of a connector is of after a change: its answers come late. Decisions only.

A worker answers by what it has read of two topics of its own: one with configurations, also those of the tasks that a
connector has made of its own, and one with states. Neither is there at once, and no state says of which configuration
it is. So a state counts once the tasks are to have the configuration that was put, each has a state, and what was to go
away, a failure or somebody's stop, was not seen for a moment.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from kafkalert.bus.connect.client import Connector
from kafkalert.ops.mirror.comparing import Comparison

_HELD: Final = frozenset({"PAUSED", "STOPPED"})
_REFERENCE: Final = "${"
Part = tuple[int | None, str, str]
"""A task by its number, or None for the connector itself, with its state and why it is so."""


class Settling:
    """What is known of a connector since it was changed, by repeated looks."""

    def __init__(
        self, before: Connector | None, wanted: Mapping[str, str], changed: Iterable[str], *, resumed: bool
    ) -> None:
        """As it is about to be changed.

        Args:
            before: what its worker says of it.
            wanted: the configuration that it gets.
            changed: the keys by which that differs from the one that it has.
            resumed: whether it is let go on.
        """
        gone = {"FAILED", *(_HELD if resumed else ())}
        self._old = {part for part in _parts(before) if part[1] in gone}
        self._resumed = resumed
        self._changed = {key: wanted.get(key) for key in changed}

    def look(self, found: Connector | None, tasks: Mapping[int, Mapping[str, str]], seen: Comparison) -> bool:
        """Whether a worker's answer is of now: `tasks` are the configurations of the tasks, asked for before."""
        self._old &= set(_parts(found))
        if found is None or seen.differences or self._old:
            return False
        if found.state in _HELD or found.state == "FAILED":  # its tasks get no configuration
            return True
        numbers = {task.number for task in found.tasks}  # those of a connector that was deleted are forgotten later
        return bool(tasks) == bool(numbers) and tasks.keys() <= numbers and all(map(self._is_new, tasks.values()))

    def _is_new(self, config: Mapping[str, str]) -> bool:
        """Whether a task is to have what was put, as far as its configuration does not show something resolved."""
        return all(config.get(key) == value for key, value in self._changed.items() if _REFERENCE not in (value or ""))


def _parts(found: Connector | None) -> list[Part]:
    if found is None:
        return []
    return [(None, found.state, found.reason), *((task.number, task.state, task.reason) for task in found.tasks)]
