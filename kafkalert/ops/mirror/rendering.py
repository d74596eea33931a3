"""What Kafka Connect is given: properties of the workers, and the connectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from kafkalert.bus.connect.flow import Flow, connector_config, properties_text, translations, worker_config
from kafkalert.bus.connect.java import ReferenceOf
from kafkalert.config.sections import Cluster, Settings


@dataclass(frozen=True, slots=True)
class Rendered:
    """One flow: properties of the workers beside `target`, and the connector that runs there.

    `worker` and `connector` are None where they were not asked for.
    """

    source: str
    target: str
    name: str
    worker: dict[str, str] | None
    connector: dict[str, str] | None

    def worker_text(self) -> str:
        """Return the workers' properties as their file has them."""
        return properties_text(self.worker or {})


def render(
    settings: Settings,
    flows: Sequence[Flow],
    reference_of: ReferenceOf,
    *,
    worker: bool = True,
    connector: bool = True,
    plain: bool = False,
) -> list[Rendered]:
    """Return what the workers and connectors of `flows` should be given.

    Args:
        settings: what both are made of.
        flows: as `kafkalert.ops.mirror.selection.chosen` gives them.
        reference_of: where a value of the configuration was read.
        worker: whether workers are wanted.
        connector: whether connectors are wanted.
        plain: write secrets out instead of where they stand.

    Raises:
        RefusedError: a secret would have to be written out.
    """
    return [
        Rendered(
            flow.source,
            flow.target,
            flow.connector,
            worker_config(settings, flow.target, reference_of, plain=plain) if worker else None,
            connector_config(settings, flow, reference_of, plain=plain) if connector else None,
        )
        for flow in flows
    ]


def remarks(settings: Settings, reference_of: ReferenceOf) -> list[str]:
    """Sentences about properties of the clusters that the mirror does not get, and workers that let in whoever asks.

    Raises RefusedError as `render` does.
    """
    found = []
    for name, translated in translations(settings, reference_of).items():
        if translated.lost:
            found.append(
                f"[clusters.{name}.kafka] has properties without a counterpart in Java's clients that could be worked "
                f"out: {', '.join(translated.lost)}. Without them the mirror may not reach {name}."
            )
        if translated.idle:
            found.append(
                f"[clusters.{name}.kafka] tunes kafkalert's own clients, not the mirror's: "
                f"{', '.join(translated.idle)}."
            )
    for name in settings.context.clusters:
        cluster = settings.clusters[name]
        if (
            cluster.workers
            and cluster.connect_auth is None
            and cluster.connect_certificate is None
            and not _is_local(cluster)
        ):
            found.append(
                f"Those who reach the Connect workers beside {name} may change connectors, and have them send "
                f"elsewhere what these read. Set connect_auth or connect_certificate of [clusters.{name}]."
            )
    return found


def _is_local(cluster: Cluster) -> bool:
    """Whether the workers can be asked from their own machine alone."""
    return {urlsplit(url).hostname for url in cluster.workers} <= {"127.0.0.1", "localhost", "::1"}
