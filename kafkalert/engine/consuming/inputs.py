"""What a stage's consumer is not told, or not for sure, of the topics that it reads; so the cluster is asked.

With KIP-848 a consumer hears nothing of a topic that is deleted; and how far a log goes it hears with records only.
"""

import logging
from collections.abc import Mapping
from threading import Event, Thread
from typing import Final

from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import MissingTopicsError, partitions_of, topic_ids
from kafkalert.bus.threads import watched
from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.ending import alone
from kafkalert.errors import KafkalertError

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = 5.0


class Inputs(Thread):
    """Looks from time to time, until `close`, whether `topics`, each with its id, exist on `cluster`; see `check`.

    `ends` are the last stable offsets of their partitions, as far as the last look was answered. It has a thread of its
    own, as a cluster that hangs answers late or never.
    """

    def __init__(self, cluster: Cluster, topics: Mapping[str, str]) -> None:
        super().__init__(name=f"inputs on {cluster.name}", daemon=True)
        self._cluster = cluster
        self._topics = topics
        self._missing: list[str] = []
        self._anew: list[str] = []
        self._error: BaseException | None = None
        self._closed = Event()
        self.ends: dict[Partition, int] = {}

    def run(self) -> None:
        """Look until closed."""
        watched(self.name, self._look_on, self._set_error)()

    def _set_error(self, error: BaseException | None) -> None:
        self._error = None if error is None else alone(error)

    def _look_on(self) -> None:
        before: list[str] = []
        places = Places(self._cluster)
        # Asked twice: a broker that has just started may not know all topics yet, and one may be about to be made anew.
        while not self._closed.wait(_AGAIN_SECONDS if before else _LOOK_SECONDS):
            now = self._absent(places)
            self._missing = [topic for topic in now if topic in before]
            before = now

    def _absent(self, places: Places) -> list[str]:
        ends: dict[Partition, int] = {}
        try:
            found = topic_ids(self._cluster, list(self._topics))
            self._anew = [topic for topic, (id_, _) in found.items() if id_ != self._topics[topic]]
            ends = places.ends(partitions_of(found))
        except MissingTopicsError as error:
            alone(error)
            return error.topics
        except KafkalertError as error:  # no answer says nothing of topics, and of refusals the consumer hears itself
            _LOG.info("%s", alone(error))
        finally:
            self.ends = ends
        return []

    def check(self) -> None:
        """Raise MissingTopicsError if two looks, one after the other, found the same topics missing.

        Raises RetryError if one has another id: it was made anew. Raises what ended the looking, if anything did.
        """
        if self._error is not None:
            raise self._error
        if self._anew:
            raise RetryError(f"{' and '.join(self._anew)} was deleted and made anew.", hint="It is read anew.")
        absent = self._missing
        if absent:
            raise MissingTopicsError(self._cluster, absent)

    def close(self) -> None:
        """Look no more; a look that waits for its answer is left behind."""
        self._closed.set()
