"""The cluster that a command works on where none is named: the one on which stages run now."""

from collections.abc import Collection
from threading import Thread
from time import monotonic
from typing import Final

from kafkalert.bus.control.log import ControlLog
from kafkalert.bus.control.state import View, given_up
from kafkalert.bus.flow import Flow
from kafkalert.bus.watermarks import MissingTopicsError
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
    log = _log(settings)
    try:
        view, reachable = _read(log)
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


def standing(settings: Settings) -> View:
    """What the control logs that can be read say; of clusters without one, that there was no switch.

    Raises UnreachableError where none can be read.
    """
    try:
        view, reachable = _read(_log(settings), settings.context.clusters)
    except MissingTopicsError:
        return View(0, settings.context.clusters[0], None, None, (), 1)
    if not reachable:
        raise UnreachableError("No control log could be read.")
    return view


def check_not_given_up(settings: Settings, flows: Collection[Flow]) -> None:
    """That none of the clusters out of which `flows` are to go on was left by force.

    Raises RefusedError for one, UnreachableError where the cluster that would know of it does not answer, ConfigError
    where there is a control log missing.
    """
    if not flows:
        return
    view, reachable = _read(_log(settings), {one.target for one in flows})
    left = given_up(view)
    for one in flows:
        if one.target not in reachable:  # a forced switch is written where stages went
            raise UnreachableError(
                f"Whether a forced switch has left {one.source} is not known, as {one.target} does not answer.",
                hint=f"Try again once {one.target} answers.",
            )
        if one.source in left:
            passive = one.target if one.source == view.active else one.source
            raise RefusedError(
                f"A forced switch has left {one.source}; stranded rows of its tables could replace newer ones.",
                hint=f"`kafkalert failover reconcile --from {passive}` carries over what is stranded, and lets it "
                "go on.",
            )


def _log(settings: Settings) -> ControlLog:
    """Raises ConfigError where no client can be made."""
    clusters = [settings.clusters[name] for name in settings.context.clusters]
    return ControlLog(clusters, settings.topic(names.CONTROL), home=clusters[0].name)


def _read(log: ControlLog, wanted: Collection[str] = ()) -> tuple[View, set[str]]:
    """What the control logs say, and the clusters that could be read. Raises ConfigError where one is missing.

    Those of the clusters `wanted` are waited for also where the others say enough to begin.
    """
    log.start()
    give_up = monotonic() + _SECONDS
    try:
        log.await_settled(_SECONDS)
        log.changed.wait_for(lambda: log.reachable() >= {*wanted}, max(0.0, give_up - monotonic()))
        return log.view(), log.reachable()
    finally:
        Thread(target=log.close, name="close", daemon=True).start()  # what hangs with a cluster holds nobody up
