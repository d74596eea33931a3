"""Records of the schemas of tomorrow: whatever a writer adds, what we know of a record is read as it was written."""

import json
from collections.abc import Callable
from copy import deepcopy
from io import BytesIO
from struct import pack
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.errors import DecodingError
from kafkalert.model.records import Channel
from kafkalert.serde.booking import BookingReader
from kafkalert.serde.bounded import bounded
from kafkalert.serde.codec import Codec
from kafkalert.serde.foreign import OTHER_SYMBOL, bare
from kafkalert.serde.framing import Framing
from kafkalert.serde.keys import KeyReader
from kafkalert.serde.records import settings as settings_of
from kafkalert.serde.rows import RowReader
from kafkalert.serde.schemas import names, whole
from tests.support.data.records import DATUMS, Shelf, is_record

RECORDS = [name for name in names() if name != "ChannelType"]
NEW_ID = len(names()) + 1
LOGICAL = {
    "string": ["uuid", "iban", ""],
    "long": ["timestamp-millis", "timestamp-micros", "local-timestamp-millis", "time-micros"],
    "int": ["date", "time-millis"],
    "bytes": ["decimal", "big-decimal"],
}
NEW_TYPES: list[Any] = [
    "null",
    "boolean",
    "double",
    {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
    {"type": "fixed", "name": "Cents", "size": 3, "logicalType": "decimal", "precision": 4},
    ["null", {"type": "string", "logicalType": "uuid"}],
    {"type": "map", "values": {"type": "array", "items": "long"}},
    {"type": "record", "name": "Consent", "fields": [{"name": "by", "type": "string"}]},
    {"type": "enum", "name": "Tone", "symbols": ["SOFT", "LOUD"], "default": "SOFT"},
]
VALUES = [None, True, 2.5, b"\x01\x02", b"abc", "not-a-uuid", {"k": [1, 2]}, {"by": "me"}, "LOUD"]


def written(schema: Any, datum: Any) -> bytes:  # noqa: ANN401 - a schema, and any datum of it
    """The datum as a writer of `schema` puts it on the topic, in the Confluent wire format."""
    out = BytesIO()
    schemaless_writer(out, parse_schema(bare(deepcopy(schema))), datum)
    return pack(">BI", 0, NEW_ID) + out.getvalue()


class Evolution:
    """Draws a writer's schema that is newer than ours; keeps which values new fields get and which symbols are new."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self.draw = draw
        self.added: dict[str, list[tuple[str, Any]]] = {}
        self.promoted: dict[tuple[str, str], str] = {}
        self.count = 0

    def schema(self, node: Any, field: tuple[str, str] = ("", "")) -> Any:  # noqa: ANN401 - any part of a schema
        """`node` of ours, as the newer writer has it."""
        if isinstance(node, list):
            return [self.schema(one) for one in node]
        if isinstance(node, str):
            return self.simple(node, field)
        newer = dict(node)
        match node["type"]:
            case "record":
                fields = [
                    one | {"type": self.schema(one["type"], (node["name"], one["name"]))} for one in node["fields"]
                ]
                for new in self.new_fields(node["name"]):  # ours keep their order: the first to name a type defines it
                    fields.insert(self.draw(st.integers(0, len(fields))), new)
                newer["fields"] = fields
                newer["aliases"] = self.draw(st.sampled_from([[], ["Former" + node["name"]]]))
            case "enum":
                newer["symbols"] = self.draw(st.permutations([*node["symbols"], "WHATSAPP", "LETTER"]))
            case "array":
                newer["items"] = self.schema(node["items"])
            case "map":
                newer["values"] = self.schema(node["values"])
        return newer

    def simple(self, name: str, field: tuple[str, str]) -> Any:  # noqa: ANN401 - a type
        """A type without parts: perhaps another that is promoted to it, perhaps with a logical type."""
        narrower = {"long": ["long", "int"], "string": ["string", "bytes"]}.get(name) if field[0] else None
        if narrower is not None:
            name = self.promoted[field] = self.draw(st.sampled_from(narrower))
        logical = self.draw(st.sampled_from([None, *LOGICAL.get(name, ())]))
        return name if logical is None else {"type": name, "logicalType": logical, "precision": 9}

    def new_fields(self, record: str) -> list[dict[str, Any]]:
        """Up to two fields that we do not have."""
        fields = []
        for place in self.draw(st.lists(st.integers(0, len(NEW_TYPES) - 1), max_size=2)):
            self.count += 1
            kind = json.loads(json.dumps(NEW_TYPES[place]))
            if isinstance(kind, dict) and "name" in kind:
                kind["name"] += str(self.count)
            fields.append({"name": f"new{self.count}", "type": kind})
            self.added.setdefault(record, []).append((f"new{self.count}", VALUES[place]))
        return fields

    def datum(self, node: Any, value: Any, field: tuple[str, str] = ("", "")) -> Any:  # noqa: ANN401 - as above
        """A value of ours as the newer writer gives it."""
        match node["type"] if isinstance(node, dict) else node:
            case list() as branches:
                fits = [one for one in branches if (one == "null") == (value is None)]
                named = [one for one in fits if isinstance(one, dict)]
                chosen = next((one for one in named if {f["name"] for f in one["fields"]} == set(value)), fits[0])
                own = self.datum(chosen, value)
                return (f"{chosen['namespace']}.{chosen['name']}", own) if isinstance(chosen, dict) else own
            case "record":
                name = node["name"]
                own = {f["name"]: self.datum(f["type"], value[f["name"]], (name, f["name"])) for f in node["fields"]}
                return own | dict(self.added.get(name, ()))
            case "array":
                return [self.datum(node["items"], one) for one in value]
            case "map":
                return {key: self.datum(node["values"], one) for key, one in value.items()}
            case "string" if self.promoted.get(field) == "bytes":
                return value.encode()
        return value


def narrowed(value: Any, evolution: Evolution, record: str) -> Any:  # noqa: ANN401 - any datum
    """The datum with numbers that fit where the writer has an int."""
    if isinstance(value, dict):
        return {
            key: one % 1000 if evolution.promoted.get((record, key)) == "int" else one for key, one in value.items()
        }
    return value


@given(
    st.data(),
    st.sampled_from(
        ["AccountId", "CustomerId", "CustomerIds", "AccountEntry", "OutboundMessage", "CustomerAlertSettings"]
    ),
)
@settings(max_examples=400, deadline=None)
def test_what_we_know_of_a_newer_record_is_read_as_it_was_written(data: st.DataObject, name: str) -> None:
    """New fields anywhere, logical types, numbers and texts of narrower types, aliases."""
    ours = whole(name)
    evolution = Evolution(data.draw)
    newer = evolution.schema(ours)
    datum = narrowed(data.draw(DATUMS[name]), evolution, name)
    bytes_ = written(newer, evolution.datum(flat(ours), datum))
    assert Codec(Framing(Shelf(newer))).decode(name, bytes_) == datum


def flat(schema: Any) -> Any:  # noqa: ANN401 - any schema
    """`schema` with every name replaced by what it names, so that a walk over a datum meets definitions alone."""
    known: dict[str, Any] = {}

    def filled(node: Any) -> Any:  # noqa: ANN401 - any part
        if isinstance(node, list):
            return [filled(one) for one in node]
        if isinstance(node, str):
            return known.get(node, node)
        made = dict(node)
        for key in ("items", "values"):
            if key in node:
                made[key] = filled(node[key])
        if node["type"] == "record":
            made["fields"] = [one | {"type": filled(one["type"])} for one in node["fields"]]
        if "name" in node:
            known[f"{node['namespace']}.{node['name']}"] = made
        return made

    return filled(schema)


def settings_row(*channels: list[str]) -> tuple[Any, bytes]:
    """A schema with new channels, and a row of a customer whose settings have these channels each."""
    newer = whole("CustomerAlertSettings")
    node = newer["fields"][2]["type"]["items"]["fields"][2]["type"]["items"]["fields"][1]["type"]["items"]
    node["symbols"] = ["EMAIL", "WHATSAPP", "PUSH", "SMS"]
    asked = [{"alertType": "T", "channels": one, "amount": None} for one in channels]
    account = {"account": {"id": "A"}, "currency": {"symbol": "EUR"}, "settings": asked}
    datum = {"customerId": {"id": "anna"}, "addresses": [], "accountAlertSettings": [account]}
    return newer, written(newer, datum)


def test_an_unknown_symbol_costs_its_setting_alone() -> None:
    """The settings beside it are as they were written, and the row is one."""
    schema, data = settings_row(["EMAIL", "SMS"], ["WHATSAPP"], ["PUSH", "WHATSAPP"], [])
    codec = Codec(Framing(Shelf(schema)))
    assert RowReader(codec).settings_customer(data) == b"anna"
    (account,) = settings_of(codec, data).accounts
    assert [(set(one.channels), one.newer) for one in account.settings] == [
        ({Channel.EMAIL, Channel.SMS}, False),
        (set(), True),
        ({Channel.PUSH}, True),
        (set(), False),
    ]
    datum = codec.decode("CustomerAlertSettings", data)
    assert datum["accountAlertSettings"][0]["settings"][1]["channels"] == [OTHER_SYMBOL]


UUID = "11111111-2222-3333-4444-55555555555F"


@pytest.mark.parametrize("text", [UUID, UUID.replace("-", ""), "no uuid at all"])
def test_an_id_with_a_logical_type_is_its_letters(text: str) -> None:
    """Java's generator writes a UUID so; its letters, capitals and all, are the row's id."""
    key: dict[str, Any] = whole("AccountId")
    key["fields"] = [
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "tenant", "type": ["null", "string"], "default": None},
    ]
    codec = Codec(Framing(Shelf(key)))
    assert KeyReader(codec, "AccountId").logical(written(key, {"id": text, "tenant": None})) == text.encode()


SIMPLE = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "bytes", "string"])
NUMBERS = st.integers(-3, 70)


def odd(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any schema of such parts, right or wrong."""
    return st.one_of(
        st.lists(children, max_size=3),
        st.builds(lambda one: {"type": "array", "items": one}, children),
        st.builds(lambda one: {"type": "map", "values": one}, children),
        st.builds(
            lambda size, kind: {"type": "fixed", "name": "F", "size": size, "logicalType": kind}, NUMBERS, st.text()
        ),
        st.builds(
            lambda kind, logical, n: {"type": kind, "logicalType": logical, "precision": n, "scale": n},
            SIMPLE,
            st.sampled_from([*LOGICAL["bytes"], *LOGICAL["int"], *LOGICAL["long"], "uuid", "duration", None, 7]),
            NUMBERS,
        ),
        st.dictionaries(st.sampled_from(["type", "name", "fields", "symbols", "logicalType"]), children, max_size=3),
    )


@given(
    st.sampled_from(RECORDS),
    st.recursive(SIMPLE | st.none() | st.integers() | st.text(max_size=3), odd, max_leaves=8),
    st.binary(max_size=60),
    st.data(),
)
@settings(max_examples=1500, deadline=None)
def test_no_schema_however_odd_stops_a_reader(name: str, kind: Any, body: bytes, data: st.DataObject) -> None:  # noqa: ANN401
    """Any field of ours may have any type in it: any bytes are a record of ours, or a DecodingError."""
    newer = whole(name)
    newer["fields"][data.draw(st.integers(0, len(newer["fields"]) - 1))]["type"] = kind
    shelf = Raw(newer)
    codec = Codec(Framing(shelf))
    framed = pack(">BI", 0, 1) + body
    is_record(lambda: codec.decode(name, framed))
    is_record(lambda: KeyReader(codec, "AccountId").logical(framed))
    is_record(lambda: RowReader(codec).settings_customer(framed))
    is_record(lambda: RowReader(codec).check_authorisation(framed))
    is_record(lambda: settings_of(codec, framed))
    is_record(lambda: BookingReader(codec).account(framed))


class Raw:
    """A registry whose one schema keeps its logical types; records of it cost no more than their bytes."""

    def __init__(self, schema: Any) -> None:  # noqa: ANN401 - any schema, as JSON
        self._schema = schema

    def schema_id(self, _name: str) -> int:
        """Always the same."""
        return 1

    def writer(self, _id: int) -> Any:  # noqa: ANN401 - as in Registry
        """The schema, if the library takes it."""
        try:
            parsed: Any = parse_schema(deepcopy(self._schema))
            fine = bounded(parsed)
        except Exception as error:
            raise DecodingError("bad-schema", "no schema") from error
        if not fine:
            raise DecodingError("bad-schema", "no bounds")
        return parsed
