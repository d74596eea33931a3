"""Whether a few bytes can be made to cost without bound by the schema that is said to have written them.

A schema from a registry is somebody else's. Three kinds are refused: one whose records contain themselves, because
bytes could nest them deeper than the stack; and one with an array of items that take no bytes, because its count
could claim any number of them. The third is one whose records hold records, each twice the next, to thousands of
fields.
"""

from collections.abc import Mapping
from typing import Any

MOST_FIELDS = 10_000
"""Of a record, those of the records within it counted each time that they stand there."""


def bounded(parsed: dict[str, Any]) -> bool:
    """Whether records of this schema (as `fastavro.parse_schema` gives it) cost no more than their bytes."""
    named = parsed.get("__named_schemas", {})
    return _bounded(parsed, named, (), {})


def _bounded(
    node: Any,  # noqa: ANN401 - any schema
    named: Mapping[str, Any],
    within: tuple[str, ...],
    known: dict[str, int],
) -> bool:
    """`known` are the fields of the records that were looked at: each is looked at once, however often it is named."""
    if isinstance(node, list):
        return all(_bounded(one, named, within, known) for one in node)
    node = named.get(node, node) if isinstance(node, str) else node
    if not isinstance(node, dict):
        return True
    if node["type"] == "record":
        return node["name"] in known or _bounded_record(node, named, within, known)
    if node["type"] == "array":
        return _bounded(node["items"], named, within, known) and not _weightless(node["items"], named, {})
    return _bounded(node.get("values", "null"), named, within, known)


def _bounded_record(
    record: Mapping[str, Any], named: Mapping[str, Any], within: tuple[str, ...], known: dict[str, int]
) -> bool:
    name, types = record["name"], [one["type"] for one in record["fields"]]
    if name in within or not all(_bounded(one, named, (*within, name), known) for one in types):
        return False
    known[name] = sum(1 + _fields(one, named, known) for one in types)
    return known[name] <= MOST_FIELDS


def _fields(node: Any, named: Mapping[str, Any], known: Mapping[str, int]) -> int:  # noqa: ANN401 - as above
    """How many fields a value has that takes few bytes; items of arrays and maps take their own."""
    if isinstance(node, list):
        return max((_fields(one, named, known) for one in node), default=0)
    node = named.get(node, node) if isinstance(node, str) else node
    return known[node["name"]] if isinstance(node, dict) and node["type"] == "record" else 0


def _weightless(node: Any, named: Mapping[str, Any], known: dict[str, bool]) -> bool:  # noqa: ANN401 - as above
    """Whether a value can take no bytes: null, a fixed of none, a record of nothing but such. A union has an index."""
    node = named.get(node, node) if isinstance(node, str) else node
    if not isinstance(node, dict):
        return bool(node == "null")
    if node["type"] == "record":
        name = node["name"]
        if name not in known:
            known[name] = all(_weightless(one["type"], named, known) for one in node["fields"])
        return known[name]
    return bool(node["type"] == "null" or (node["type"] == "fixed" and node["size"] == 0))
