"""The cluster that a command works on where none is named: the one on which stages run now."""

from threading import Thread
from typing import Final

from kafkalert.bus.control.log import ControlLog
from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.errors import ConfigError, UnreachableError

_SECONDS: Final = 5.0


def with_active_first(settings: Settings) -> Settings:
    """`settings` whose `active` is the cluster that the control logs name; asks only where there are two.

    A context whose clusters have no control log yet has never been switched. Raises UnreachableError where the active
    cluster does not answer.
    """
    clusters = [settings.clusters[name] for name in settings.context.clusters]
    if len(clusters) == 1:
        return settings
    log = ControlLog(clusters, settings.topic(names.CONTROL), home=clusters[0].name)
    log.start()
    try:
        log.await_settled(_SECONDS)
        active, reachable = log.view().active, log.reachable()
    except ConfigError:
        return settings
    finally:
        Thread(target=log.close, name="close", daemon=True).start()  # what hangs with a cluster holds nobody up
    cluster = settings.clusters[active]
    if active not in reachable:
        raise UnreachableError(
            f"Cluster {active} ({cluster.bootstrap}) does not answer.",
            hint="`kafkalert failover` shows where stages run, and how they can be moved.",
        )
    others = (name for name in settings.context.clusters if name != active)
    context = settings.context.model_copy(update={"clusters": (active, *others)})
    return settings.model_copy(update={"context": context})
