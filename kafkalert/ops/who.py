"""As whom the clusters know the operator, by the configuration; asks none of them."""

from kafkalert.bus.principal import principal
from kafkalert.config.sections import Settings


def principals(settings: Settings) -> list[str]:
    """Return the principals of this client on the clusters of the context; "?" for one that only a broker knows."""
    return sorted({principal(settings.clusters[name]) for name in settings.context.clusters})
