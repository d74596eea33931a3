"""Schemas that others wrote, as we read by them: the bare types alone, whatever they are said to mean.

A logical type tells a program what a value means (Avro specification, "Logical Types"); the bytes stay those of the
type beneath. We take the value as it was written: a UUID letter for letter, a time as its number.
"""

from functools import cache
from typing import Any, Final

from fastavro import parse_schema

from kafkalert.serde.schemas import whole

OTHER_SYMBOL: Final = "UNKNOWN"
"""In place of an enum's symbol that the writer knows and we do not."""

_TEXTS: Final = ("name", "namespace", "doc", "default", "symbols", "aliases", "order")


def bare(node: Any) -> Any:  # noqa: ANN401 - any schema, as JSON
    """Return the schema without its logical types."""
    if isinstance(node, list):
        return [bare(part) for part in node]
    if isinstance(node, dict):
        return {key: value if key in _TEXTS else bare(value) for key, value in node.items() if key != "logicalType"}
    return node


@cache
def reading(name: str) -> Any:  # noqa: ANN401 - fastavro's parsed schema has no type
    """Return what a record of another writer's `name` is resolved to: our schema, in which each enum has OTHER_SYMBOL.

    It is the enum's default, so by Avro's rules of resolution it stands for every symbol that is not ours.
    """
    return parse_schema(_open(whole(name)))


def _open(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    if isinstance(node, list):
        return [_open(part) for part in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "enum":
        return node | {"symbols": [*node["symbols"], OTHER_SYMBOL], "default": OTHER_SYMBOL}
    return {key: value if key in _TEXTS else _open(value) for key, value in node.items()}
