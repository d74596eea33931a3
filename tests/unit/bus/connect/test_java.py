"""librdkafka's properties become those of Java's clients, or are named; no secret is copied."""

from collections.abc import Mapping

import pytest
from pydantic import SecretStr

from kafkalert.bus.connect.java import Translated, translate
from kafkalert.config.secrets import Reference
from kafkalert.config.sections import Cluster
from kafkalert.errors import RefusedError

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
KERBEROS = 'com.sun.security.auth.module.Krb5LoginModule required useKeyTab="true" storeKey="true"'
PEM = {"ssl.keystore.type": "PEM"}


def translated(
    properties: Mapping[str, str], references: Mapping[str, Reference] | None = None, *, plain: bool = False
) -> Translated:
    cluster = Cluster(name="dc1", bootstrap="a:1", kafka={name: SecretStr(each) for name, each in properties.items()})
    places = {f"clusters.dc1.kafka.{name}": each for name, each in (references or {}).items()}
    return translate(cluster, places.get, plain=plain)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, {}),
        ({"security.protocol": "sasl_ssl"}, {"security.protocol": "SASL_SSL"}),
        (
            {"sasl.mechanism": "PLAIN", "sasl.username": "me", "sasl.password": "p"},
            {"sasl.mechanism": "PLAIN", "sasl.jaas.config": f'{PLAIN} required username="me" password="p";'},
        ),
        (
            {"sasl.mechanisms": "SCRAM-SHA-512", "sasl.username": 'm"e\\', "sasl.password": "p"},
            {
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.jaas.config": f'{SCRAM} required username="m\\"e\\\\" password="p";',
            },
        ),
        (
            {
                "sasl.mechanism": "GSSAPI",
                "sasl.kerberos.service.name": "kafka",
                "sasl.kerberos.keytab": "/k",
                "sasl.kerberos.principal": "me@R",
            },
            {
                "sasl.mechanism": "GSSAPI",
                "sasl.kerberos.service.name": "kafka",
                "sasl.jaas.config": f'{KERBEROS} keyTab="/k" principal="me@R";',
            },
        ),
        ({"ssl.ca.location": "/ca"}, {"ssl.truststore.type": "PEM", "ssl.truststore.location": "/ca"}),
        ({"ssl.ca.location": "probe"}, {}),
        ({"ssl.ca.pem": "CA"}, {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": "CA"}),
        (
            {"ssl.certificate.location": "/me", "ssl.key.location": "/me", "ssl.key.password": "p"},
            PEM | {"ssl.keystore.location": "/me", "ssl.key.password": "p"},
        ),
        (
            {"ssl.certificate.location": "/etc/me.crt", "ssl.key.location": "/etc/me.key"},
            PEM
            | {
                "ssl.keystore.certificate.chain": "${directory:/etc:me.crt}",
                "ssl.keystore.key": "${directory:/etc:me.key}",
            },
        ),
        (
            {"ssl.certificate.pem": "C", "ssl.key.pem": "K"},
            PEM | {"ssl.keystore.certificate.chain": "C", "ssl.keystore.key": "K"},
        ),
        (
            {"ssl.keystore.location": "/k.p12", "ssl.keystore.password": "p"},
            {"ssl.keystore.type": "PKCS12", "ssl.keystore.location": "/k.p12", "ssl.keystore.password": "p"},
        ),
        ({"ssl.endpoint.identification.algorithm": "none"}, {"ssl.endpoint.identification.algorithm": ""}),
        ({"enable.ssl.certificate.verification": "true"}, {}),
    ],
)
def test_each_property_has_its_counterpart(properties: dict[str, str], expected: dict[str, str]) -> None:
    """What Kafka's documentation names; nothing is lost on the way."""
    found = translated(properties, plain=True)
    assert found.properties == {"bootstrap.servers": "a:1"} | expected
    assert (found.lost, found.idle) == ([], [])


def test_what_has_no_counterpart_is_named() -> None:
    """Apart, what decides how the cluster is reached, and what tunes kafkalert's own clients."""
    found = translated(
        {
            "ssl.cipher.suites": "x",
            "enable.ssl.certificate.verification": "false",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.client.id": "me",
            "ssl.key.location": "/key-without-certificate",
            "client.id": "c",
            "message.max.bytes": "2000000",
            "socket.timeout.ms": "1000",
        }
    )
    assert found.lost == [
        "enable.ssl.certificate.verification",
        "sasl.oauthbearer.client.id",
        "ssl.cipher.suites",
        "ssl.key.location",
    ]
    assert found.idle == ["client.id", "socket.timeout.ms"]
    assert found.properties == {"bootstrap.servers": "a:1", "sasl.mechanism": "OAUTHBEARER"}


def test_a_secret_is_given_by_where_it_stands() -> None:
    """A variable or a file of the worker's machine; so is whatever else stands outside the configuration."""
    found = translated(
        {"sasl.mechanism": "PLAIN", "sasl.username": "me", "sasl.password": "hidden", "ssl.key.password": "hidden"},
        {
            "sasl.username": Reference("env", "USER1"),
            "sasl.password": Reference("file", "/run/secrets/dc1", "dc1"),
            "ssl.key.password": Reference("env", "KEY"),
        },
    ).properties
    login = f'{PLAIN} required username="${{env:USER1}}" password="${{directory:/run/secrets:dc1}}";'
    assert found["sasl.jaas.config"] == login
    assert found["ssl.key.password"] == "${env:KEY}"
    assert "hidden" not in str(found)


def test_a_secret_of_which_nothing_says_where_it_stands_is_not_written_out() -> None:
    secret = {"sasl.mechanism": "PLAIN", "sasl.username": "me", "sasl.password": "hidden"}
    with pytest.raises(RefusedError, match=r"clusters\.dc1\.kafka\.sasl\.password") as raised:
        translated(secret)
    assert "hidden" not in str(raised.value) + raised.value.hint
    assert 'password="hidden"' in translated(secret, plain=True).properties["sasl.jaas.config"]
