"""What contacts with a cluster's addresses mean: addresses, TLS, SASL and versions, each told once."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka.admin import ClusterMetadata
from pydantic import SecretStr

from kafkalert.bus.cause import About, Cause
from kafkalert.bus.contact import Contact, Step
from kafkalert.bus.hello import Spoken
from kafkalert.config.sections import Cluster
from kafkalert.ops.doctor import addresses, sasl, tls, versions
from kafkalert.ops.doctor.checkup import CheckGrade, Checkup
from kafkalert.ops.doctor.reaching import Reached

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SPOKEN = Spoken({68: 1}, {"metadata.version": 30}, {"metadata.version": 30})
FINE = Contact("b1:9092", None, spoken=SPOKEN)
SILENCE = Cause("Cluster dc1 (b1:9092) does not answer.", "Start it.", About.SILENCE)


def reached(
    contacts: Iterable[Contact], brokers: Mapping[int, str], cause: Cause | None = None, **kafka: str
) -> Reached:
    """A cluster with these contacts; one without a cause has told its topics."""
    given = {name.replace("_", "."): SecretStr(value) for name, value in kafka.items()}
    cluster = Cluster(name="dc1", bootstrap="b1:9092", kafka=given)
    metadata: Any = ClusterMetadata() if cause is None else None
    return Reached(cluster, {one.at: one for one in contacts}, brokers, metadata, cause)


def told(checks: Iterable[Checkup]) -> list[tuple[str, str]]:
    """Grades and texts."""
    return [(str(one.grade), one.text) for one in checks]


@pytest.mark.parametrize(
    ("contact", "words"),
    [
        (Contact("b1:9092", Step.NAME, "no such name"), "The name in b1:9092 (bootstrap of dc1) is not known"),
        (Contact("b1:9092", Step.CONNECTION, "connection refused"), "takes no connection: connection refused"),
        (Contact("b1:9092", Step.CONNECTION), "a firewall may drop what is sent"),
        (Contact("b1:9092", Step.ANSWER), "takes connections and says nothing"),
        (Contact("b1:9092", Step.ANSWER, "connection reset by peer"), "ends them at the first request"),
    ],
)
def test_an_address_that_is_configured(contact: Contact, words: str) -> None:
    """It is the only one, so the cluster is not reached; beside another one that is, it is to be looked at."""
    ((grade, text),) = told(addresses.judge(reached([contact], {}, SILENCE)))
    assert (grade, words in text) == ("bad", True), text
    other = Contact("b2:9092", None, spoken=SPOKEN)
    found = told(addresses.judge(reached([contact, other], {2: "b2:9092"})))
    assert [grade for grade, _ in found] == ["look", "ok"]


@pytest.mark.parametrize(
    ("contact", "words"),
    [
        (Contact("b7.internal:9092", Step.NAME, "no such name"), "but that name is not known on this machine"),
        (Contact("b7.internal:9092", Step.CONNECTION), "but nothing can be reached there"),
        (Contact("b7.internal:9092", Step.ANSWER), "says nothing"),
    ],
)
def test_an_address_that_a_broker_advertises(contact: Contact, words: str) -> None:
    """The configured one answers; what it advertises is what counts."""
    found = reached([FINE, contact], {7: "b7.internal:9092"})
    (_, (grade, text)) = told(addresses.judge(found))
    assert (grade, words in text, "Broker 7 of dc1" in text) == ("bad", True, True), text
    assert not found.answers


def test_a_cluster_that_tells_nothing_though_its_brokers_answer() -> None:
    """Its controllers may have no majority."""
    (_, (grade, text)) = told(addresses.judge(reached([FINE], {}, SILENCE)))
    assert (grade, "do not tell their topics" in text) == ("bad", True)


@pytest.mark.parametrize(("about", "judge"), [(About.TLS, tls.judge), (About.LOGIN, sasl.judge)])
def test_a_cause_is_told_once(about: About, judge: Any) -> None:  # noqa: ANN401 - two signatures
    """By the subject that it is about; the address takes connections, and is not to blame."""
    cause = Cause("It is so.", "Mend it.", about)
    closed = Contact("b1:9092", Step.ANSWER, "closed")
    found = reached([closed], {}, cause, security_protocol="SASL_SSL")
    others = [*addresses.judge(found), *tls.judge(found, NOW), *sasl.judge(found)]
    assert [one.text for one in others if one.is_finding] == ["It is so."]
    given = (found, NOW) if judge is tls.judge else (found,)
    assert "It is so." in [one.text for one in judge(*given)]


def test_credentials_that_go_in_clear_are_to_be_looked_at() -> None:
    """On this machine alone they do not matter."""
    kafka: dict[str, Any] = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_username": "ops"}
    far = told(sasl.judge(reached([FINE], {1: "b1:9092"}, **kafka)))
    assert far[0] == ("ok", "dc1 takes User:ops, by PLAIN.")
    assert [grade for grade, _ in far] == ["ok", "look"]
    near = reached([Contact("127.0.0.1:9092", None, spoken=SPOKEN)], {1: "127.0.0.1:9092"}, **kafka)
    assert [grade for grade, _ in told(sasl.judge(near))] == ["ok"]


@pytest.mark.parametrize(
    ("features", "could", "grade", "words"),
    [
        (30, 30, "ok", "Kafka 4.3, with the group protocol of KIP-848."),
        (25, 30, "look", "Kafka 4.3, with the group protocol of KIP-848; but the features in force are those"),
        (None, None, "ok", "Kafka of an unknown version, with"),
        (99, 99, "ok", "Kafka 4.3 or later, with"),
        (8, 8, "ok", "Kafka before 3.7, with"),
    ],
)  # fmt: skip
def test_brokers_by_the_features_that_they_tell(features: int, could: int, grade: str, words: str) -> None:
    def levels(level: int | None) -> dict[str, int]:
        return {} if level is None else {"metadata.version": level}

    one = Contact("b1:9092", None, spoken=Spoken({68: 1}, levels(features), levels(could)))
    ((found, text),) = told(versions.of_brokers(reached([one], {1: "b1:9092"})))
    assert (found, text.startswith(words)) == (grade, True), text


def test_brokers_of_two_versions() -> None:
    """An upgrade is under way."""
    older = Contact("b2:9092", None, spoken=Spoken({}, {"metadata.version": 25}, {"metadata.version": 25}))
    ((grade, text),) = told(versions.of_brokers(reached([FINE, older], {1: "b1:9092", 2: "b2:9092"})))
    assert (grade, "broker 1: 4.3, broker 2: 4.0" in text) == (str(CheckGrade.LOOK), True)
