"""The cluster that a command works on where none is named: the one on which stages run now."""

from collections.abc import Collection
from threading import Thread
from typing import Final

from kafkalert.bus.connect.flow import Flow
from kafkalert.bus.control.log import ControlLog
from kafkalert.bus.control.state import View, given_up
from kafkalert.bus.records.watermarks import MissingTopicsError
from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.errors import RefusedError, UnreachableError
from kafkalert.ops.failover.status.watch import nobody

_SECONDS: Final = 5.0


def with_active_first(settings: Settings) -> Settings:
    """Return `settings` whose `active` is the cluster that the control logs name; it asks only where there are two.

    Raises UnreachableError where the active cluster does not answer, and as `standing`.
    """
    clusters = [settings.clusters[name] for name in settings.context.clusters]
    if len(clusters) == 1:
        return settings
    view, answering = _seen(settings)
    active = view.active
    cluster = settings.clusters[active]
    if active not in answering:
        raise UnreachableError(
            f"Cluster {active} ({cluster.bootstrap}) does not answer.",
            hint="`kafkalert failover` shows where stages run, and how they can be moved.",
        )
    others = (name for name in settings.context.clusters if name != active)
    context = settings.context.model_copy(update={"clusters": (active, *others)})
    return settings.model_copy(update={"context": context})


def standing(settings: Settings) -> View:
    """Return what the control logs that can be read say; where no cluster has one, that there was no switch.

    Raises UnreachableError where none can be read.
    """
    return _seen(settings, settings.context.clusters)[0]


def check_not_given_up(settings: Settings, flows: Collection[Flow]) -> None:
    """Check that none of the clusters out of which `flows` are to go on was left by force.

    Raises RefusedError for one, UnreachableError where the cluster that would know of it does not answer, ConfigError
    where there is a control log missing.
    """
    if not flows:
        return
    view, reachable, missing = _read(settings, {flow.target for flow in flows})
    for problem in missing.values():  # its events are not known
        raise problem
    left = given_up(view)
    for flow in flows:
        if flow.target not in reachable:  # a forced switch is written where stages went
            raise UnreachableError(
                f"Whether a forced switch has left {flow.source} is not known, as {flow.target} does not answer.",
                hint=f"Try again once {flow.target} answers.",
            )
        if flow.source in left:
            passive = flow.target if flow.source == view.active else flow.source
            raise RefusedError(
                f"A forced switch has left {flow.source}; stranded rows of its tables could replace newer ones.",
                hint=f"`kafkalert failover reconcile --from {passive}` carries over what is stranded, and lets it "
                "go on.",
            )


def _seen(settings: Settings, wanted: Collection[str] = ()) -> tuple[View, set[str]]:
    """Return what the control logs say that are there, and the clusters that answer; `wanted` as in `_read`.

    Raises UnreachableError where none was read that may be there.
    """
    view, reachable, missing = _read(settings, wanted)
    silent = [name for name in settings.context.clusters if name not in reachable | missing.keys()]
    if silent and not reachable:
        if not missing:
            raise nobody(settings)
        raise UnreachableError(
            f"Where stages run is not known: {' and '.join(missing)} has no control log, and {' and '.join(silent)} "
            "does not answer.",
            hint=f"Try again once {silent[0]} answers.",
        )
    return view, reachable | missing.keys()


def _read(settings: Settings, wanted: Collection[str] = ()) -> tuple[View, set[str], dict[str, MissingTopicsError]]:
    """Return what the control logs say, the clusters whose logs were read, and those that have none.

    A log is lacking that was made anew.

    Those of the clusters `wanted` are waited for also where the others say enough to begin. Raises ConfigError where no
    client can be made, and what else waiting does not mend.
    """
    clusters = [settings.clusters[name] for name in settings.context.clusters]
    log = ControlLog(clusters, settings.topic(names.CONTROL), home=clusters[0].name)

    def missing() -> dict[str, MissingTopicsError]:
        return {name: error for name, error in log.problems().items() if isinstance(error, MissingTopicsError)}

    def answered() -> bool:
        known = log.reachable() | missing().keys()
        return known >= {*wanted} and (log.settled() or known >= {*settings.context.clusters})

    log.start()
    try:
        log.changed.wait_for(lambda: answered() or log.problems().keys() > missing().keys(), _SECONDS)
        for problem in log.problems().values():
            if not isinstance(problem, MissingTopicsError):
                raise problem
        return log.view(), log.reachable(), missing()
    finally:
        Thread(target=log.close, name="close", daemon=True).start()  # what hangs with a cluster holds nobody up
