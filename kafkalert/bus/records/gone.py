"""What a consumer is told where the offset that it is to read is not there."""

from typing import Final

from confluent_kafka import KafkaError

_CODES: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})  # noqa: SLF001 - librdkafka's public codes begin with _


def is_gone(error: KafkaError) -> bool:
    """Whether that says so: the records are gone, or the topic was made anew or cut."""
    return error.code() in _CODES
