"""Which flows an operator means."""

from kafkalert.bus.connect.flow import Flow, flows
from kafkalert.config.sections import Settings
from kafkalert.errors import UsageError


def chosen(settings: Settings, into: str | None = None) -> tuple[Flow, ...]:
    """Return the flows of the context, or the one into the cluster `into`.

    Raises UsageError where the context has one cluster alone, or none of that name.
    """
    there = settings.context.clusters
    if into is not None and into not in there:
        raise UsageError(f"There is no cluster {into} in this context.", hint=f"It has {', '.join(there)}.")
    found = tuple(flow for flow in flows(settings) if into in {None, flow.target})
    if not found:
        raise UsageError(
            f"Context {settings.context.name} has one cluster, so there is no mirror.",
            hint="Choose a context of two clusters with -C, or add a second one.",
        )
    return found
