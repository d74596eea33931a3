"""What a stage needs besides its input: the engine asks for it before it processes, and while it does."""

from collections.abc import Sequence
from typing import Protocol

from kafkalert.config.sections import Cluster
from kafkalert.engine.ending import Ends


class Dependency(Protocol):
    """Something that has to be there, and up to date, on the cluster that a stage works on."""

    topics: Sequence[str]
    """The topics that it reads, as they are called here."""

    def connect(self, cluster: Cluster) -> None:
        """Connect to `cluster`, on which the stage may work soon. Raises KafkalertError, KafkaException."""
        ...

    def await_ready(self, cluster: Cluster, ending: Ends) -> bool:
        """Return True once records of `cluster`, to which it has connected, may be processed; False if the end came."""
        ...

    def hold(self) -> str:
        """Why nothing may be processed just now; empty where records may be. Asked often, so it is quick."""
        ...

    def expect(self, cluster: Cluster | None) -> None:
        """Be told of the cluster that the stage may move to, or of None where it will not move."""
        ...

    def close(self) -> None:
        """End, within two seconds."""
        ...


class Independent:
    """The dependency of a stage that needs nothing else."""

    topics: Sequence[str] = ()

    def connect(self, cluster: Cluster) -> None:
        """There is nothing to connect to."""

    def await_ready(self, cluster: Cluster, ending: Ends) -> bool:  # noqa: ARG002 - see Dependency
        """Whether the end has not come."""
        return not ending

    def hold(self) -> str:
        """Nothing holds it."""
        return ""

    def expect(self, cluster: Cluster | None) -> None:
        """There is nothing to prepare."""

    def close(self) -> None:
        """There is nothing to end."""
