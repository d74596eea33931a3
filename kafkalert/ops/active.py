"""The cluster that a command works on where none is named: the one on which stages run now."""

from collections.abc import Iterable
from threading import Thread
from typing import Final

from kafkalert.bus.control.log import ControlLog
from kafkalert.bus.control.state import View, given_up
from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.errors import ConfigError, RefusedError, UnreachableError

_SECONDS: Final = 5.0


def with_active_first(settings: Settings) -> Settings:
    """`settings` whose `active` is the cluster that the control logs name; asks only where there are two.

    A context whose clusters have no control log yet has never been switched. Raises UnreachableError where the active
    cluster does not answer.
    """
    clusters = [settings.clusters[name] for name in settings.context.clusters]
    if len(clusters) == 1:
        return settings
    try:
        view, reachable = _read(settings)
    except ConfigError:
        return settings
    active = view.active
    cluster = settings.clusters[active]
    if active not in reachable:
        raise UnreachableError(
            f"Cluster {active} ({cluster.bootstrap}) does not answer.",
            hint="`kafkalert failover` shows where stages run, and how they can be moved.",
        )
    others = (name for name in settings.context.clusters if name != active)
    context = settings.context.model_copy(update={"clusters": (active, *others)})
    return settings.model_copy(update={"context": context})


def check_not_given_up(settings: Settings, sources: Iterable[str]) -> None:
    """That none of the clusters out of which flows are to go on was left by force. Raises RefusedError for one."""
    try:
        lost = given_up(_read(settings)[0])
    except ConfigError:  # no control log, no switch
        return
    if lost in sources:
        raise RefusedError(
            f"A forced switch has left {lost}; stranded rows of its tables would replace newer ones.",
            hint=f"`kafkalert failover reconcile --from {lost}` carries over what is stranded, and lets it go on.",
        )


def _read(settings: Settings) -> tuple[View, set[str]]:
    """What the control logs say, and the clusters that could be read. Raises ConfigError where there are none."""
    clusters = [settings.clusters[name] for name in settings.context.clusters]
    log = ControlLog(clusters, settings.topic(names.CONTROL), home=clusters[0].name)
    log.start()
    try:
        log.await_settled(_SECONDS)
        return log.view(), log.reachable()
    finally:
        Thread(target=log.close, name="close", daemon=True).start()  # what hangs with a cluster holds nobody up
