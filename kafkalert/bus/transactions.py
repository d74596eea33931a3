"""Transactions of other programs: no client like these is told who has one open; Kafka's own tool is."""

import shlex
from typing import Final

from kafkalert.config.sections import Cluster

_SECURITY: Final = ("sasl.", "security.", "ssl.")


def tool(cluster: Cluster, topic: str, partition: int, offset: int) -> str:
    """How Kafka's own tool names who has the transaction open that begins at `offset`, and how it ends that.

    Without a full stop. Where a cluster asks who comes, FILE stands for the tool's own configuration.
    """
    secured = any(name.startswith(_SECURITY) for name in cluster.kafka)
    reach = ["--bootstrap-server", cluster.bootstrap, *(["--command-config", "FILE"] if secured else [])]
    where = ["--topic", topic, "--partition", str(partition)]
    return (
        f"`{shlex.join(['kafka-transactions.sh', *reach, 'describe-producers', *where])}` names the producer; "
        f"`{shlex.join(['abort', *where, '--start-offset', str(offset)])}` in place of describe-producers ends it"
    )
