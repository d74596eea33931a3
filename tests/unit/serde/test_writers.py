"""Records that another version of a schema wrote, and schemas that are not to be trusted."""

from collections.abc import Iterator
from io import BytesIO
from itertools import count
from struct import pack
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_reader
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.serde.bounded import VALUES_A_BYTE, _Costs, bounded
from kafkalert.serde.codec import Codec
from kafkalert.serde.framing import Framing
from kafkalert.serde.schemas import names, schema
from kafkalert.serde.wire import long_bytes, text_bytes
from tests.support.data.records import Shelf, is_record

NEWER = {
    "type": "record",
    "name": "CustomerIds",
    "namespace": "nl.rabobank.beb.distribution",
    "fields": [
        {"name": "since", "type": "long"},
        {
            "name": "customerIds",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "CustomerId",
                    "fields": [{"name": "id", "type": "string"}, {"name": "role", "type": ["null", "string"]}],
                },
            },
        },
    ],
}
OLDER = {
    "type": "record",
    "name": "OutboundMessage",
    "namespace": "nl.rabobank.beb.distribution",
    "fields": [
        {"name": "timestamp", "type": "int"},
        {"name": "messageType", "type": "string"},
        {"name": "params", "type": {"type": "map", "values": "string"}},
    ],
}
NO_RECORD = {"type": "enum", "name": "CustomerIds", "namespace": "nl.rabobank.beb.distribution", "symbols": ["A"]}
FOREIGN = Codec(Framing(Shelf(NEWER, OLDER, NO_RECORD)))
NEWER_ID, OLDER_ID, NO_RECORD_ID = (len(names()) + number for number in (1, 2, 3))


def test_a_newer_writer_is_understood() -> None:
    """Fields that the reader does not know are skipped."""
    body = long_bytes(7) + long_bytes(1) + text_bytes("C1") + b"\x02" + text_bytes("owner") + b"\x00"
    data = pack(">BI", 0, NEWER_ID) + body
    assert FOREIGN.decode("CustomerIds", data) == {"customerIds": [{"id": "C1"}]}


def test_an_older_writer_is_understood() -> None:
    """A field that the writer did not have gets its default, and an int is a long."""
    data = pack(">BI", 0, OLDER_ID) + long_bytes(5) + text_bytes("T") + b"\x00"
    expected: dict[str, Any] = {"timestamp": 5, "customerId": None, "messageType": "T", "params": {}}
    assert FOREIGN.decode("OutboundMessage", data) == expected


@pytest.mark.parametrize(("schema_id", "name"), [(NEWER_ID, "AccountId"), (NO_RECORD_ID, "CustomerIds")])
def test_another_record_is_an_error(schema_id: int, name: str) -> None:
    """A record of another name or kind is not made to fit."""
    assert not is_record(lambda: FOREIGN.decode(name, pack(">BI", 0, schema_id) + b"\x00\x00"))


@given(st.sampled_from([(NEWER_ID, "CustomerIds"), (OLDER_ID, "OutboundMessage")]), st.binary(max_size=40))
@settings(max_examples=1000, deadline=None)
def test_any_bytes_of_a_foreign_writer_are_a_record_or_an_error(which: tuple[int, str], body: bytes) -> None:
    """Resolution raises nothing of its own."""
    is_record(lambda: FOREIGN.decode(which[1], pack(">BI", 0, which[0]) + body))


EMPTY = {"type": "record", "name": "Empty", "fields": []}


def optional(type_: str, number: int, kind: str = "record") -> list[Any]:
    """An optional record of so many fields of a type."""
    fields = [{"name": f"f{n}", "type": type_} for n in range(number)]
    return ["null", {"type": kind, "name": "Many", "fields": fields}]


def deep(levels: int) -> Any:  # noqa: ANN401 - a schema
    """A record within an optional record, and so on."""
    kind: Any = "int"
    for level in range(levels):
        kind = ["null", {"type": "record", "name": f"D{level}", "fields": [{"name": "in", "type": kind}]}]
    return kind


NULLS = {"type": "array", "items": "null"}
SELF = {"type": "array", "items": "Top"}


@pytest.mark.parametrize(
    ("kind", "fine"),
    [
        (NULLS, False),
        ({"type": "array", "items": EMPTY}, False),
        ({"type": "map", "values": NULLS}, False),
        (["null", NULLS], False),
        (SELF, False),
        (["null", "Top"], False),
        ({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}, False),
        ({"type": "array", "items": ["null"]}, True),
        ({"type": "array", "items": {"type": "fixed", "name": "F", "size": 1}}, True),
        ({"type": "map", "values": "null"}, True),
        ("null", True),
        (EMPTY, True),
        ({"type": "array", "items": optional("null", 2000)}, False),
        ({"type": "array", "items": optional("null", 2000, "error")}, False),
        ({"type": "map", "values": optional("null", 2000)}, False),
        (optional("null", 2000), True),
        ({"type": "array", "items": optional("null", 5)}, True),
        ({"type": "array", "items": optional("string", 2000)}, True),
        (deep(25), True),
        (deep(40), False),
    ],
)
def test_schemas_that_cost_without_bound_are_told(kind: Any, fine: bool) -> None:  # noqa: ANN401 - a schema
    """Arrays of nothing and records within themselves are found wherever they are."""
    parsed: Any = parse_schema({"type": "record", "name": "Top", "fields": [{"name": "field", "type": kind}]})
    assert bounded(parsed) is fine


@pytest.mark.parametrize("name", names())
def test_our_own_schemas_cost_no_more_than_their_bytes(name: str) -> None:
    assert name == "ChannelType" or bounded(schema(name).parsed)


def within(levels: int) -> Any:  # noqa: ANN401 - a schema
    """A record of records, each of which holds the next one twice; the innermost is empty."""
    inner: Any = EMPTY
    for level in range(levels):
        fields = [{"name": "a", "type": inner}, {"name": "b", "type": inner["name"]}]
        inner = {"type": "record", "name": f"R{level}", "fields": fields}
    return inner


SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["null", "int", "string", "boolean"]),
    lambda inner: st.one_of(
        st.builds(lambda one: {"type": "array", "items": one}, inner),
        st.builds(lambda one: {"type": "map", "values": one}, inner),
        st.lists(inner, max_size=4).map(lambda fields: {"type": "record", "fields": fields}),
        inner.map(lambda one: one if one == "null" else ["null", one]),
    ),
    max_leaves=12,
)


def named(node: Any, names_: Iterator[int]) -> Any:  # noqa: ANN401 - a schema
    """The schema with a name for each record and field."""
    if isinstance(node, list):
        return [named(one, names_) for one in node]
    if not isinstance(node, dict):
        return node
    if node["type"] == "record":
        fields = [{"name": f"f{n}", "type": named(one, names_)} for n, one in enumerate(node["fields"])]
        return {"type": "record", "name": f"R{next(names_)}", "fields": fields}
    return {key: one if key == "type" else named(one, names_) for key, one in node.items()}


def values(datum: Any) -> int:  # noqa: ANN401 - a datum
    """How many values it is made of."""
    if isinstance(datum, dict):
        return 1 + sum(map(values, datum.values()))
    return 1 + sum(map(values, datum)) if isinstance(datum, list) else 1


@given(SCHEMAS, st.binary(max_size=30))
@settings(max_examples=1000, deadline=None)
def test_a_schema_that_is_taken_gives_few_values_for_each_byte(kind: Any, body: bytes) -> None:  # noqa: ANN401
    """Whatever the bytes: no more than what was promised of it."""
    fields = [{"name": "field", "type": named(kind, count())}]
    parsed: Any = parse_schema({"type": "record", "name": "Top", "fields": fields})
    if not bounded(parsed):
        return
    read = BytesIO(body)
    try:
        datum = schemaless_reader(read, parsed, None)
    except Exception:  # noqa: BLE001 - bytes that are none of it
        return
    assert values(datum) <= _Costs({}).of(parsed, 0).peak + VALUES_A_BYTE * read.tell()


def paid(before: int, after: int) -> Any:  # noqa: ANN401 - a schema
    """A record of 16,384 records of nothing between so many bytes and so many others."""
    fields = [
        {"name": "first", "type": {"type": "fixed", "name": "Before", "size": before}},
        {"name": "many", "type": within(14)},
        {"name": "last", "type": {"type": "fixed", "name": "After", "size": after}},
    ]
    return {"type": "record", "name": "Top", "fields": fields}


@pytest.mark.parametrize("kind", ["record", "union", "map"])
def test_bytes_that_never_come_pay_for_nothing(kind: str) -> None:
    """Only those before it pay for what is read: a short record may lack the others."""

    def fine(before: int, after: int) -> bool:
        one = paid(before, after)
        around = {"record": one, "union": ["null", one], "map": {"type": "map", "values": one}}[kind]
        parsed: Any = parse_schema({"type": "record", "name": "Outer", "fields": [{"name": "one", "type": around}]})
        return bounded(parsed)

    assert fine(3_000, 1)
    assert not fine(1, 1_000_000)


def test_records_that_double_within_each_other_are_told_at_once() -> None:
    """Forty lines of schema say a million million fields, and no byte."""
    few: Any = parse_schema(within(8))
    many: Any = parse_schema(within(40))
    assert bounded(few)
    assert not bounded(many)
