"""A right that is missing is named: operation, resource, principal; and the command ends with 5."""

from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException
from pydantic import SecretStr

from kafkalert.bus import clients
from kafkalert.bus.denied import denied
from kafkalert.bus.principal import UNKNOWN, principal
from kafkalert.config.sections import Cluster
from kafkalert.errors import DeniedError, ExitCode
from tests.support.certificates import Authority


def cluster(**kafka: str) -> Cluster:
    """Cluster dc1 with these properties, their dots written as `_`."""
    given = {name.replace("_", "."): SecretStr(value) for name, value in kafka.items()}
    return Cluster(name="dc1", bootstrap="127.0.0.1:1", kafka=given)


SCRAM = cluster(security_protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-512", sasl_username="ops")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "READ on topic x"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "READ on group x"),
        (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "READ on transactional id x"),
        (KafkaError.CLUSTER_AUTHORIZATION_FAILED, "READ on the cluster"),
    ],
)
def test_every_refusal_names_operation_resource_and_principal(code: int, said: str) -> None:
    error = denied(SCRAM, KafkaError(code), "READ", "x")
    assert error is not None
    assert str(error) == f"Cluster dc1 denies {said} to User:ops."
    assert error.exit_code is ExitCode.REFUSED
    assert "topics acls" in error.hint


def test_a_request_that_fails_for_want_of_a_right_is_no_silence() -> None:
    error = clients.unreachable(SCRAM, KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)), "READ", "g")
    assert isinstance(error, DeniedError)


def test_other_errors_are_none() -> None:
    assert denied(SCRAM, KafkaError(KafkaError._TIMED_OUT), "READ", "x") is None
    assert denied(SCRAM, None) is None


def test_the_principal_of_a_certificate_is_its_subject(tmp_path: Path) -> None:
    file = str(Authority(tmp_path).issue("kafkalert-ops"))
    assert principal(cluster(security_protocol="ssl", ssl_certificate_location=file)) == "User:CN=kafkalert-ops"


@pytest.mark.parametrize(
    ("kafka", "who"),
    [
        ({}, "User:ANONYMOUS"),
        ({"security_protocol": "ssl"}, "User:ANONYMOUS"),
        ({"security_protocol": "ssl", "ssl_certificate_location": "/nowhere"}, "User:ANONYMOUS"),
        ({"security_protocol": "ssl", "ssl_keystore_location": "k.p12"}, UNKNOWN),
        ({"security_protocol": "sasl_ssl", "sasl_mechanism": "OAUTHBEARER"}, UNKNOWN),
        ({"security_protocol": "sasl_ssl", "sasl_mechanism": "PLAIN", "sasl_username": "a"}, "User:a"),
        (
            {"security_protocol": "sasl_ssl", "sasl_mechanism": "GSSAPI", "sasl_kerberos_principal": "a/host@REALM"},
            "User:a",
        ),
    ],
)
def test_the_principal_as_far_as_the_configuration_tells(kafka: dict[str, str], who: str) -> None:
    assert principal(cluster(**kafka)) == who


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "x" * 99])
def test_a_file_that_is_no_certificate_gives_no_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.pem"
    file.write_text(text, encoding="ascii")
    found = principal(cluster(security_protocol="ssl", ssl_certificate_location=str(file)))
    assert found in {UNKNOWN, "User:ANONYMOUS"}


def test_an_idempotent_producer_that_is_denied_lacks_its_topic() -> None:
    """The broker says that of the cluster, as the right on any topic would do."""
    error = denied(SCRAM, KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED), "WRITE", "x")
    assert str(error) == "Cluster dc1 denies WRITE on topic x to User:ops."
