"""librdkafka's properties of a cluster as those of Kafka's Java clients, which the mirror is made of.

Names by librdkafka's CONFIGURATION.md and Kafka's own documentation of its client configurations; PEM by KIP-651. A
secret is never copied: where it stands is (`${env:NAME}`, `${directory:FOLDER:FILE}`, config providers of KIP-297), and
the worker resolves it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from kafkalert.config.properties import is_secret
from kafkalert.config.secrets import Reference
from kafkalert.config.sections import Cluster
from kafkalert.errors import RefusedError

ReferenceOf = Callable[[str], Reference | None]
"""Where the value at a dotted place of the configuration was read, if not in its file."""

_PROVIDERS: Final = "org.apache.kafka.common.config.provider"
_IN_ENV: Final = re.compile(r"\$\{env:([^}:]+)\}")
_IN_FOLDER: Final = re.compile(r"\$\{directory:([^}:]+):[^}]+\}")

_SAME: Final = ("sasl.kerberos.service.name", "sasl.kerberos.min.time.before.relogin", "ssl.key.password")
_LOGIN: Final = "org.apache.kafka.common.security"
_REACHING: Final = ("sasl.", "ssl.", "security.", "https.", "enable.ssl.", "enable.sasl.")
_PEM: Final = "PEM"


@dataclass(slots=True)
class Translated:
    """What became of the properties of one cluster.

    Attributes:
        properties: how Java's clients reach the cluster, `bootstrap.servers` among them.
        lost: names that decide how the cluster is reached, and have no counterpart that could be worked out.
        idle: names that tune kafkalert's own clients, and say nothing about the mirror's.
    """

    properties: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)


def translate(cluster: Cluster, reference_of: ReferenceOf, *, plain: bool = False) -> Translated:
    """How Java's clients reach `cluster`.

    Args:
        cluster: with its librdkafka properties.
        reference_of: where a value was read.
        plain: write values themselves, secrets among them, instead of where they stand.

    Raises:
        RefusedError: a secret would have to be written out, as nothing says where it stands.
    """
    return _Translation(cluster, reference_of, plain=plain).result()


class _Translation:
    """One cluster's properties; each is taken out once it has been dealt with, so that what is left over is known."""

    def __init__(self, cluster: Cluster, reference_of: ReferenceOf, *, plain: bool) -> None:
        self._cluster = cluster
        self._reference_of = reference_of
        self._plain = plain
        self._left = {name: secret.get_secret_value() for name, secret in cluster.kafka.items()}
        self._found = Translated({"bootstrap.servers": cluster.bootstrap})

    def result(self) -> Translated:
        put = self._found.properties
        if protocol := self._take("security.protocol"):
            put["security.protocol"] = protocol.upper()
        mechanism = self._take("sasl.mechanism") or self._take("sasl.mechanisms")
        self._left.pop("sasl.mechanisms", None)
        if mechanism:
            put["sasl.mechanism"] = mechanism
            self._sign_in(mechanism)
        self._trust()
        self._identity()
        for name in _SAME:
            if name in self._left:
                put[name] = self._write(name)
        algorithm = self._take("ssl.endpoint.identification.algorithm")
        if algorithm:
            put["ssl.endpoint.identification.algorithm"] = "" if algorithm == "none" else algorithm
        if self._left.get("enable.ssl.certificate.verification") == "true":
            del self._left["enable.ssl.certificate.verification"]
        self._left.pop("message.max.bytes", None)  # of no client's reach; the flow heeds it
        for name in sorted(self._left):
            (self._found.lost if name.startswith(_REACHING) else self._found.idle).append(name)
        return self._found

    def _sign_in(self, mechanism: str) -> None:
        """Make the login of Java's clients: one text, its values quoted as JAAS wants them."""
        if mechanism == "PLAIN":
            module, options = f"{_LOGIN}.plain.PlainLoginModule", {"username": "username", "password": "password"}
        elif mechanism.startswith("SCRAM-"):
            module, options = f"{_LOGIN}.scram.ScramLoginModule", {"username": "username", "password": "password"}
        elif mechanism == "GSSAPI":
            module = "com.sun.security.auth.module.Krb5LoginModule"
            options = {"keyTab": "kerberos.keytab", "principal": "kerberos.principal"}
        else:
            return
        fixed = {"useKeyTab": "true", "storeKey": "true"} if mechanism == "GSSAPI" else {}
        given = {key: self._write(f"sasl.{name}") for key, name in options.items() if f"sasl.{name}" in self._left}
        if given:
            words = [f'{key}="{_escaped(value)}"' for key, value in (fixed | given).items()]
            self._found.properties["sasl.jaas.config"] = f"{module} required {' '.join(words)};"

    def _trust(self) -> None:
        put = self._found.properties
        place = self._left.get("ssl.ca.location")
        if place == "probe":  # librdkafka looks where the system keeps them; Java has its own place
            del self._left["ssl.ca.location"]
        elif place is not None:
            put |= {"ssl.truststore.type": _PEM, "ssl.truststore.location": self._write("ssl.ca.location")}
        elif "ssl.ca.pem" in self._left:
            put |= {"ssl.truststore.type": _PEM, "ssl.truststore.certificates": self._write("ssl.ca.pem")}

    def _identity(self) -> None:
        """Java wants key and certificate in one PEM file, or as values: a provider reads those from two files."""
        put = self._found.properties
        certificate, key = self._left.get("ssl.certificate.location"), self._left.get("ssl.key.location")
        if certificate is not None and certificate == key:
            put |= {"ssl.keystore.type": _PEM, "ssl.keystore.location": self._write("ssl.certificate.location")}
            del self._left["ssl.key.location"]
        elif certificate is not None and key is not None:
            put["ssl.keystore.type"] = _PEM
            put["ssl.keystore.certificate.chain"] = in_file(self._take("ssl.certificate.location"))
            put["ssl.keystore.key"] = in_file(self._take("ssl.key.location"))
        elif "ssl.certificate.pem" in self._left and "ssl.key.pem" in self._left:
            put["ssl.keystore.type"] = _PEM
            put["ssl.keystore.certificate.chain"] = self._write("ssl.certificate.pem")
            put["ssl.keystore.key"] = self._write("ssl.key.pem")
        elif "ssl.keystore.location" in self._left:
            put |= {"ssl.keystore.type": "PKCS12", "ssl.keystore.location": self._write("ssl.keystore.location")}
            if "ssl.keystore.password" in self._left:
                put["ssl.keystore.password"] = self._write("ssl.keystore.password")

    def _take(self, name: str) -> str:
        return self._left.pop(name, "")

    def _write(self, name: str) -> str:
        """Return a property's value, or where it stands; it counts as dealt with."""
        value = self._left.pop(name)
        place = f"clusters.{self._cluster.name}.kafka.{name}"
        reference = self._reference_of(place)
        if self._plain or not (reference or is_secret(name)):
            return value
        if reference is None:
            raise RefusedError(
                f"{place} is a secret and nothing says where it stands, so it is not written out.",
                hint='Point at it with {env = "NAME"} or {file = "PATH"}.',
            )
        return f"${{env:{reference.target}}}" if reference.kind == "env" else in_file(reference.target)


def providers(values: Iterable[str]) -> dict[str, str]:
    """Return what a worker needs to resolve the references in `values`, and no others.

    Whoever may change a connector could have the worker send any variable and file that a provider reads somewhere.
    """
    text = "\n".join(values)
    variables, folders = sorted({*_IN_ENV.findall(text)}), sorted({*_IN_FOLDER.findall(text)})
    put: dict[str, str] = {}
    if variables:
        put["config.providers.env.class"] = f"{_PROVIDERS}.EnvVarConfigProvider"
        put["config.providers.env.param.allowlist.pattern"] = "|".join(map(re.escape, variables))
    if folders:
        put["config.providers.directory.class"] = f"{_PROVIDERS}.DirectoryConfigProvider"
        put["config.providers.directory.param.allowed.paths"] = ",".join(folders)
    used = [name for name in ("env", "directory") if f"config.providers.{name}.class" in put]
    return {"config.providers": ",".join(used), **put} if used else {}


def in_file(path: PurePath | str) -> str:
    """Return a reference to the content of a file, which the worker finds under the same path."""
    return f"${{directory:{PurePath(path).parent}:{PurePath(path).name}}}"


def _escaped(value: str) -> str:
    """Return a value between the quotes of JAAS; a reference stays as it is, and is resolved before JAAS reads it."""
    return value if value.startswith("${") else value.replace("\\", "\\\\").replace('"', '\\"')


def with_prefix(prefix: str, properties: Mapping[str, str]) -> dict[str, str]:
    """Return the same properties with names that begin with `prefix`."""
    return {f"{prefix}{name}": value for name, value in properties.items()}
