"""Whether a few bytes can be made to cost without bound by the schema that is said to have written them.

A schema from a registry is somebody else's. Two kinds are refused: one whose records contain themselves, because
bytes could nest them deeper than the stack; and one with an array of items that take no bytes, because its count
could claim any number of them.
"""

from collections.abc import Mapping
from typing import Any


def bounded(parsed: dict[str, Any]) -> bool:
    """Whether records of this schema (as `fastavro.parse_schema` gives it) cost no more than their bytes."""
    return _bounded(parsed, parsed.get("__named_schemas", {}), ())


def _bounded(node: Any, named: Mapping[str, Any], within: tuple[str, ...]) -> bool:  # noqa: ANN401 - any schema
    if isinstance(node, list):
        return all(_bounded(one, named, within) for one in node)
    node = named.get(node, node) if isinstance(node, str) else node
    if not isinstance(node, dict):
        return True
    if node["type"] == "record":
        inner = (*within, node["name"])
        return node["name"] not in within and all(_bounded(one["type"], named, inner) for one in node["fields"])
    if node["type"] == "array":
        return _bounded(node["items"], named, within) and not _weightless(node["items"], named)
    return _bounded(node.get("values", "null"), named, within)


def _weightless(node: Any, named: Mapping[str, Any]) -> bool:  # noqa: ANN401 - as above
    """Whether a value can take no bytes: null, a fixed of none, a record of nothing but such. A union has an index."""
    node = named.get(node, node) if isinstance(node, str) else node
    if not isinstance(node, dict):
        return bool(node == "null")
    if node["type"] == "record":
        return all(_weightless(one["type"], named) for one in node["fields"])
    return bool(node["type"] == "null" or (node["type"] == "fixed" and node["size"] == 0))
