"""Who this client is to a cluster's authorizer, as far as the configuration tells."""

import ssl
from pathlib import Path
from typing import Final

from kafkalert.bus.certificate import fields, parts
from kafkalert.config.sections import Cluster

UNKNOWN: Final = "?"
_NAMES: Final = {
    bytes.fromhex(oid): name
    for oid, name in {
        "550403": "CN",
        "550406": "C",
        "550407": "L",
        "550408": "ST",
        "550409": "STREET",
        "55040a": "O",
        "55040b": "OU",
        "0992268993f22c640101": "UID",
        "0992268993f22c640119": "DC",
    }.items()
}
"""The attributes of a subject that RFC 2253 has words for, by the bytes of their object ids."""


def principal(cluster: Cluster) -> str:
    """Return the principal of this client, "User:NAME"; UNKNOWN where only the broker knows it.

    A certificate's is its subject as by RFC 2253, unless the broker's `ssl.principal.mapping.rules` shorten it.
    """
    said = {name: secret.get_secret_value() for name, secret in cluster.kafka.items()}
    protocol = said.get("security.protocol", "plaintext").lower()
    if protocol.startswith("sasl_"):
        mechanism = said.get("sasl.mechanisms", said.get("sasl.mechanism", "")).upper()
        if mechanism == "GSSAPI":
            name = said.get("sasl.kerberos.principal", "").partition("@")[0].partition("/")[0]
        else:
            name = "" if mechanism == "OAUTHBEARER" else said.get("sasl.username", "")
    elif protocol == "ssl":
        pem = said.get("ssl.certificate.pem", "") or _text(said.get("ssl.certificate.location", ""))
        name = _subject(pem) if pem else "" if "ssl.keystore.location" in said else "ANONYMOUS"
    else:
        name = "ANONYMOUS"
    return f"User:{name}" if name else UNKNOWN


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii") if path else ""
    except (OSError, ValueError):
        return ""


def _subject(pem: str) -> str:
    """Return the subject of the first certificate in `pem`, empty where it has none that can be read."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    if begin not in pem or end not in pem:
        return ""
    try:
        der = ssl.PEM_cert_to_DER_cert(f"{begin}{pem.partition(begin)[2].partition(end)[0]}{end}")
        _, subject = fields(der)[4]
        names = [_attribute(attribute) for _, rdn in parts(subject) for _, attribute in parts(rdn)]
    except (IndexError, ValueError):
        return ""
    return ",".join(reversed(names))


def _attribute(attribute: bytes) -> str:
    (_, oid), (_, value) = parts(attribute)
    name = _NAMES.get(oid)
    if name is None:
        raise ValueError(oid.hex())
    return f"{name}={value.decode()}"
