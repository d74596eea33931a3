"""The connectors as they are against as they should be. Decisions only; nothing is asked here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kafkalert.bus.connect.flow import Flow
from kafkalert.ops.mirror.condition import Condition

HIDDEN = "***"
_SECRET = re.compile(r"password|jaas|secret|credential|keystore\.(key|certificate)|key\.pem")


@dataclass(frozen=True, slots=True)
class Difference:
    """One key of a connector's configuration; None where it is not there, or should not be. Secrets are hidden."""

    key: str
    now: str | None
    wanted: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One connector: how it is, and what is not as it should be. `reason` is why it failed.

    `told`: False where its worker has not said yet how it is since it was changed.
    """

    flow: Flow
    condition: Condition
    reason: str
    differences: tuple[Difference, ...]
    told: bool = True

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to do about it."""
        return self.condition is Condition.RUNNING and not self.differences

    @property
    def held(self) -> bool:
        """Whether somebody stopped or paused it."""
        return self.condition in {Condition.STOPPED, Condition.PAUSED}


def compare(
    flow: Flow, seen: tuple[Condition, str], config: Mapping[str, str] | None, wanted: Mapping[str, str]
) -> Comparison:
    """Return what is to be said about a flow that was seen so, and is configured as `config`, None if absent.

    Workers forget how a connector was some time after the connector itself.
    """
    if config is None:
        seen = Condition.ABSENT, ""
    now = {} if config is None else config
    differences = tuple(
        Difference(key, _shown(key, now.get(key)), _shown(key, wanted.get(key)))
        for key in sorted({*now, *wanted})
        if now.get(key) != wanted.get(key)
    )
    return Comparison(flow, *seen, differences)


def changes(comparisons: Sequence[Comparison], *, resume: bool = False) -> list[str]:
    """Return what `mirror apply` would do, a line each, in the words of an order."""
    lines = []
    for comparison in comparisons:
        what = f"{comparison.flow.connector} beside {comparison.flow.target}"
        if comparison.condition is Condition.ABSENT:
            lines.append(f"create {what}, which carries {comparison.flow.source} into {comparison.flow.target}")
        elif comparison.differences:
            lines.append(f"change {what}: {'; '.join(map(_described, comparison.differences))}")
        elif comparison.condition is Condition.FAILED:
            lines.append(f"restart {what}, which failed: {comparison.reason}")
        if comparison.held and resume:
            lines.append(f"resume {what}, which is {comparison.condition}")
    return lines


def _described(difference: Difference) -> str:
    if difference.now is None:
        return f"{difference.key} added: {difference.wanted}"
    if difference.wanted is None:
        return f"{difference.key} removed"
    return f"{difference.key} from {difference.now} to {difference.wanted}"


def _shown(key: str, value: str | None) -> str | None:
    """Return a value as it may be shown: somebody else may have put a secret there in clear."""
    hidden = value is not None and _SECRET.search(key) and not (value.startswith("${") and value.endswith("}"))
    return HIDDEN if hidden else value
