"""Whether a few bytes can be made to cost without bound by the schema that is said to have written them.

A schema from a registry is somebody else's. Its records are read if they have at most VALUES_A_BYTE values for each of
their bytes, and FREE_VALUES besides, and nest no deeper than DEEPEST. That holds wherever their bytes may end, so what
is still to come pays for nothing before it. So refused are records within themselves, arrays of what takes no bytes,
records of records of nothing, and optional records of a thousand nulls in an array.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

VALUES_A_BYTE: Final = 16
"""A record of texts that are all empty has one."""
FREE_VALUES: Final = 10_000
DEEPEST: Final = 64
"""How many levels of types may lie within each other; the library reads them by recursion."""

_BYTES: Final = {
    "null": 0,
    **dict.fromkeys(("boolean", "int", "long", "string", "bytes"), 1),
    "float": 4,
    "double": 8,
}
"""The fewest bytes of each primitive type (Avro specification, "Binary Encoding")."""
_RECORDS: Final = ("record", "error", "request")


class _Cost(NamedTuple):
    """Of a type: its values beyond those that its bytes allow, at worst, and its levels.

    `excess` is that of a whole one, `peak` the most that it comes to while one is read.
    """

    excess: int
    peak: int
    depth: int


class _UnboundedError(Exception):
    """The schema has a type whose values cost more than their bytes allow."""


def bounded(parsed: dict[str, Any]) -> bool:
    """Whether records of this schema (as `fastavro.parse_schema` gives it) cost no more than their bytes allow."""
    try:
        return _Costs(parsed.get("__named_schemas", {})).of(parsed, 0).peak <= FREE_VALUES
    except _UnboundedError:
        return False


class _Costs:
    """The cost of each type of a schema; that of a record is worked out once, however often it is named."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._known: dict[str, _Cost | None] = {}  # None while it is being worked out

    def of(self, node: Any, level: int) -> _Cost:  # noqa: ANN401 - any schema
        """Return the cost of `node`, which lies within `level` others. Raises _UnboundedError."""
        if isinstance(node, str) and node in self._known:
            cost = self._known[node]
        else:
            cost = self._of(self._named.get(node, node) if isinstance(node, str) else node, level + 1)
        if cost is None or level + cost.depth > DEEPEST:
            raise _UnboundedError
        return cost

    def _of(self, node: Any, level: int) -> _Cost:  # noqa: ANN401, PLR0911 - any schema; one return a kind
        if level > DEEPEST:
            raise _UnboundedError
        if isinstance(node, str):
            if node not in _BYTES:
                raise _UnboundedError
            return _plain(_BYTES[node])
        if isinstance(node, list):
            branches = [self.of(branch, level) for branch in node]
            return _around(1 - VALUES_A_BYTE, max((branch.excess for branch in branches), default=0), branches)
        match node["type"]:
            case kind if kind in _RECORDS:
                return self._record(node, level)
            case "array":
                return self._items(self.of(node["items"], level), 0)
            case "map":
                return self._items(self.of(node["values"], level), 1 - VALUES_A_BYTE)
            case "fixed":
                return _plain(int(node["size"]))
            case "enum":
                return _plain(1)
            case other:
                return self.of(other, level)

    def _record(self, node: Mapping[str, Any], level: int) -> _Cost:
        self._known[node["name"]] = None
        fields = [self.of(field["type"], level) for field in node["fields"]]
        excess = peak = 1
        for field in fields:
            peak = max(peak, excess + field.peak)
            excess += field.excess
        cost = _Cost(excess, peak, _levels(fields))
        self._known[node["name"]] = cost
        return cost

    def _items(self, item: _Cost, key: int) -> _Cost:
        """Return an array or map of such items; any number of them may come, and each brings a key of that excess."""
        if item.excess + key > 0:
            raise _UnboundedError
        return _around(1 - VALUES_A_BYTE, 0, [item])


def _plain(size: int) -> _Cost:
    excess = 1 - VALUES_A_BYTE * size
    return _Cost(excess, max(excess, 0), 1)


def _around(before: int, within: int, parts: list[_Cost]) -> _Cost:
    """Return what begins with a byte, of the excess `before`, and is one of `parts`, of excess `within` at worst."""
    peak = before + max((part.peak for part in parts), default=0)
    return _Cost(before + within, max(peak, 0), _levels(parts))


def _levels(parts: list[_Cost]) -> int:
    return 1 + max((part.depth for part in parts), default=0)
