"""The Avro schemas of the topics, read once from the package."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastavro.schema import fingerprint, load_schema_ordered, to_parsing_canonical_form

# The order in which one schema may name another.
_ORDER: Final = (
    *("AccountId", "AccountEntry", "Decimal", "Currency", "CustomerId", "CustomerIds", "EmailAddress"),
    *("PhoneNumber", "PushId", "ChannelType", "CustomerAlertAddress", "CustomerAccountAlertSetting"),
    *("CustomerAccountAlertSettings", "CustomerAlertSettings", "OutboundMessage"),
)
# What a schema says in text of its own: never the name of another schema.
_TEXTS: Final = ("name", "namespace", "doc", "default", "symbols")


@dataclass(frozen=True, slots=True)
class Schema:
    """One record's schema: its short name, what fastavro reads and writes by, and its identity.

    `canonical` is the Parsing Canonical Form and `fingerprint` its CRC-64-AVRO, little endian (Avro
    specification, "Schema Fingerprints").
    """

    name: str
    parsed: Any
    canonical: str
    fingerprint: bytes


def folder() -> Path:
    """Where the .avsc files are: in the installed package, or beside it in a checkout."""
    installed = Path(__file__).parent / "schemas"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "schemas"


def needed(name: str) -> list[str]:
    """Return the schemas that `name` is made of, itself last."""
    text = (folder() / f"{name}.avsc").read_text(encoding="utf-8")
    found: list[str] = []
    for other in _ORDER:
        if other != name and f'.{other}"' in text:
            found += [part for part in needed(other) if part not in found]
    return [*found, name]


@cache
def schema(name: str) -> Schema:
    """Return the schema of the record `name`, such as "AccountEntry". Raises KeyError where there is none."""
    if name not in _ORDER:
        raise KeyError(name)
    parsed = load_schema_ordered([str(folder() / f"{part}.avsc") for part in needed(name)])
    canonical = to_parsing_canonical_form(parsed)
    return Schema(name, parsed, canonical, bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO")))


def names() -> tuple[str, ...]:
    """All schemas, each after those that it names."""
    return _ORDER


def own(parsed: Any) -> Any:  # noqa: ANN401 - fastavro's parsed schema has no type
    """Our own parsed schema where `parsed` reads the same bytes in the same way (equal canonical forms); else itself.

    So what was written by our own, under whatever id, is read without resolving one schema against the other.
    """
    canonical = to_parsing_canonical_form(parsed)
    return next((known.parsed for known in map(schema, names()) if known.canonical == canonical), parsed)


def source(name: str) -> dict[str, Any]:
    """Return the .avsc of `name` as it was written, its documentation included."""
    text: dict[str, Any] = json.loads((folder() / f"{name}.avsc").read_text(encoding="utf-8"))
    return text


def whole(name: str) -> dict[str, Any]:
    """Return the schema `name` with the definitions of all that it names, each where it comes up first.

    Documentation and defaults are kept, so this is what a registry is given.
    """
    defined: set[str] = set()

    def filled(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
        if isinstance(node, list):
            return [filled(part) for part in node]
        if isinstance(node, dict):
            return {key: value if key in _TEXTS else filled(value) for key, value in node.items()}
        short = str(node).rpartition(".")[2]
        if short == node or short not in _ORDER or short in defined:
            return node
        defined.add(short)
        return filled(source(short))

    result: dict[str, Any] = filled(source(name))
    return result
