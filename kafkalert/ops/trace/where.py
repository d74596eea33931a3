"""Where to look, and in which time, as the command line says it."""

from kafkalert.config.sections import Settings
from kafkalert.ops.active import with_active_first
from kafkalert.ops.offsets import Position
from kafkalert.ops.tail.request import chosen_cluster, when


def with_first(settings: Settings, cluster: str | None) -> Settings:
    """Return `settings` whose first cluster is the one of this name, the active one for None.

    Raises UsageError where the context has none of this name, and as `with_active_first`.
    """
    if cluster is None:
        return with_active_first(settings)
    chosen = chosen_cluster(settings, cluster).name
    others = (name for name in settings.context.clusters if name != chosen)
    context = settings.context.model_copy(update={"clusters": (chosen, *others)})
    return settings.model_copy(update={"context": context})


def bounds(since: str | None, until: str | None) -> tuple[Position | None, Position | None]:
    """Return the positions that `--since` and `--until` say. Raises UsageError."""
    return None if since is None else when(since), None if until is None else when(until)
