"""A consumer that broke for good says so once, and not in the way that its other errors do."""

from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError

from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.consuming.member import Member

MEMBER = Mock(spec=Member, _group="kafkalert.alerting", _inputs="accountentry", _refusal="")
MEMBER.cluster = Cluster(name="dc1", bootstrap="127.0.0.1:1")


def test_consumer_that_broke_is_made_anew() -> None:
    """A fatal error comes as a message without librdkafka's flag; taken for a passing one, it would hang the stage."""
    error = KafkaError(KafkaError._FATAL)
    assert not error.fatal()
    message = Mock()
    message.error.return_value = error
    with pytest.raises(RetryError):
        Member.event(MEMBER, message, {})


def test_consumer_that_misses_a_topic_is_made_anew() -> None:
    """What is missing is said by the start after that; a topic that was made anew meanwhile is read on."""
    message = Mock()
    message.error.return_value = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    with pytest.raises(RetryError):
        Member.event(MEMBER, message, {})
