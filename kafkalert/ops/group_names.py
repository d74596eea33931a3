"""Which consumer groups of a context somebody means, and what each of them reads."""

from kafkalert.config.sections import Settings
from kafkalert.config.stages import readers
from kafkalert.errors import UsageError
from kafkalert.ops.failover.positions.groups import Groups


def chosen(settings: Settings, cluster: str, groups: Groups, wanted: str = "") -> list[str]:
    """Return the groups of stages, then all others that a cluster has; or the one that is `wanted`.

    That one may lack the prefix, or be a stage's name. Raises UsageError where there is none of that name, DeniedError
    where it may not be seen.
    """
    every = list(dict.fromkeys([*map(settings.group, readers()), *groups.names()]))
    if not wanted:
        return every
    asked = (wanted, f"{settings.context.prefix}{wanted}", settings.group(wanted))
    known = [one for one in asked if one in every]
    if not known:
        groups.attendance(sorted(set(asked)))  # raises DeniedError: those that may not be seen are left out above
        raise UsageError(f"{cluster} has no group {wanted}.", hint="`kafkalert group show` lists those it has.")
    return known[:1]


def inputs(settings: Settings, group: str) -> tuple[str, ...]:
    """Return the topics that a group reads if it is a stage's, as they are called here."""
    return next((spec.topics(settings) for stage, spec in readers().items() if settings.group(stage) == group), ())
