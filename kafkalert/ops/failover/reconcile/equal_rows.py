"""Makes both clusters end with the same row of each key that was stranded, whatever is written meanwhile."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError
from kafkalert.ops.failover.reconcile.carrying import Carrier
from kafkalert.ops.failover.reconcile.stranded import Found, Search

ROUNDS: Final = 10
"""A round is repeated where a row came in between; a key is not written so often."""

_Job = tuple[str, str]
"""Where a row lies, and where it is put."""


@dataclass(frozen=True, slots=True)
class Settling:
    """`old` is the source of the flow that was stopped.

    `catch_up` returns once the flow back has carried what is on `new` now.
    """

    search: Search
    old: Cluster
    new: Cluster
    clock: Clock
    catch_up: Callable[[], None]

    def run(self, found: Found) -> int:
        """Put rows until nothing is left to put; how many that were. Raises KafkalertError."""
        count = 0
        if not found.tables:
            return count
        clusters = {cluster.name: cluster for cluster in (self.old, self.new)}
        for _ in range(ROUNDS):
            self.search.again_tables(found, self.catch_up)
            jobs = self._jobs(found)
            if not jobs:
                return count
            for (source, target), wanted in jobs.items():
                (origin,) = clusters.keys() - {target}
                carrier = Carrier(clusters[source], clusters[target], origin, self.clock)
                found.lose(carrier.carry(wanted), on_new=source == self.new.name)
                count += carrier.carried
        raise KafkalertError(
            "Rows of the stranded keys are written all the time, so both clusters could not be made equal.",
            hint="Run this again when less is written to the tables; what was carried stays.",
        )

    def _jobs(self, found: Found) -> dict[_Job, dict[Partition, list[int]]]:
        jobs: dict[_Job, dict[Partition, list[int]]] = defaultdict(lambda: defaultdict(list))
        for partition, key in found.tracked():
            for target, row in ((self.new, key.to_put_on_new()), (self.old, key.to_put_on_old())):
                if row is not None:
                    on_new, offset = key.lies(row)
                    jobs[(self.new if on_new else self.old).name, target.name][partition].append(offset)
        return {
            job: {partition: sorted(offsets) for partition, offsets in wanted.items()} for job, wanted in jobs.items()
        }
