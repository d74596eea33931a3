"""What comes instead of a record: which of it ends a stay, and how it is told."""

from confluent_kafka import KafkaError, Message

from kafkalert.bus.denied import denied, of_topic
from kafkalert.bus.records.gone import is_gone
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.progress import partition_of
from kafkalert.errors import KafkalertError


class RetryError(KafkalertError):
    """The clients have to be made anew; what was not committed is read again."""


class OutOfRangeError(RetryError):
    """What is to be read of `partition` is not there: it is gone, or the topic was made anew.

    `offset` is where it was to be read; None where the library has noticed by itself that the log was cut.
    """

    def __init__(self, partition: Partition, offset: int | None) -> None:
        super().__init__(
            f"{partition[0]}[{partition[1]}] does not have the offset that is to be read.",
            hint="The group's offsets are looked at again.",
        )
        self.partition, self.offset = partition, offset


def check_event(message: Message, error: KafkaError, cluster: Cluster, group: str, inputs: str) -> None:
    """Raise what `error`, which came as `message`, means for a member of `group`; return where the client gets over it.

    `inputs` are the topics that it reads, in words. Raises RetryError, and KafkalertError where no new clients help.
    """
    if is_gone(error):
        raise OutOfRangeError(partition_of(message), message.offset())
    name = str(message.topic() or inputs) if of_topic(error) else group
    if (refusal := denied(cluster, error, "READ", name)) is not None:
        raise refusal
    # Heard in the classic protocol alone; a start asks the cluster afresh, and says what is missing if anything is.
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise RetryError(f"The input cannot be read: {error.str()}.", hint="The consumer is made anew.")
    # A consumer's fatal error comes once, as a message without the flag; after it nothing comes any more.
    if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001
        raise RetryError(f"The consumer broke: {error.str()}.", hint="It is made anew.")
