"""The bytes before a record that say which schema wrote it, in both framings.

Single-object encoding (Avro specification): C3 01, then the schema's CRC-64-AVRO fingerprint, little endian.
Confluent wire format: 00, then the schema's id in the registry, four bytes, big endian.
"""

from functools import cache
from struct import pack
from typing import Any, Protocol

from kafkalert.errors import DecodingError
from kafkalert.serde.schemas import Schema, names, own, schema

SINGLE_OBJECT = b"\xc3\x01"
SINGLE_OBJECT_BYTES = 10
CONFLUENT = b"\x00"
CONFLUENT_BYTES = 5


class Registry(Protocol):
    """What is asked of a schema registry."""

    def schema_id(self, name: str) -> int:
        """Return the id under which the schema `name` is registered.

        Raises ConfigError where it is not, UnreachableError.
        """
        ...

    def writer(self, schema_id: int) -> Any:  # noqa: ANN401 - fastavro's parsed schema has no type
        """Return the parsed schema of an id, a record's. Raises DecodingError where there is none, UnreachableError."""
        ...


def single_object(name: str) -> bytes:
    """Return what goes before a record of the schema `name` in single-object encoding."""
    return SINGLE_OBJECT + schema(name).fingerprint


@cache
def _by_prefix() -> dict[bytes, Schema]:
    return {single_object(name): schema(name) for name in names()}


class Framing:
    """Writes one framing, reads both. Confluent framing needs a registry, to be written and to be read."""

    def __init__(self, registry: Registry | None = None, *, confluent: bool = False) -> None:
        self._registry = registry
        self._confluent = registry if confluent else None
        self._ids: dict[int, Any] = {}
        self._prefixes: dict[str, bytes] = {}

    def prefix(self, name: str) -> bytes:
        """Return what goes before a record of the schema `name`. Raises UnreachableError and ConfigError (registry)."""
        if name not in self._prefixes:
            self._prefixes[name] = (
                single_object(name)
                if self._confluent is None
                else CONFLUENT + pack(">I", self._confluent.schema_id(name))
            )
        return self._prefixes[name]

    def writer(self, data: bytes) -> tuple[Any, int]:
        """Return the schema that wrote `data`, parsed, and where its body begins.

        Raises DecodingError: "empty", "not-framed", "unknown-fingerprint", "unknown-schema-id"
        or "no-registry"; also "bad-schema" from the registry, and UnreachableError.
        """
        known = _by_prefix().get(data[:SINGLE_OBJECT_BYTES])
        if known is not None:
            return known.parsed, SINGLE_OBJECT_BYTES
        if not data:
            raise DecodingError("empty", "The record is empty.")
        if data[:2] == SINGLE_OBJECT and len(data) >= SINGLE_OBJECT_BYTES:
            print_ = data[2:SINGLE_OBJECT_BYTES].hex()
            raise DecodingError("unknown-fingerprint", f"No schema here has the fingerprint {print_}.")
        if data[:1] == CONFLUENT and len(data) >= CONFLUENT_BYTES:
            return self._registered(int.from_bytes(data[1:CONFLUENT_BYTES], "big")), CONFLUENT_BYTES
        raise DecodingError("not-framed", "The record begins with neither Avro framing.")

    def _registered(self, schema_id: int) -> Any:  # noqa: ANN401 - as Registry.writer
        if schema_id not in self._ids:
            if self._registry is None:
                raise DecodingError("no-registry", f"Schema id {schema_id} needs a registry; none is configured.")
            parsed = self._registry.writer(schema_id)
            try:
                self._ids[schema_id] = own(parsed)
            except Exception as error:
                problem = f"The registry's schema {schema_id} cannot be read ({type(error).__name__})."
                raise DecodingError("bad-schema", problem) from error
        return self._ids[schema_id]
