"""Avro records of all schemas for tests: any of them, damaged ones, and a registry that is a shelf."""

import random
from collections.abc import Callable, Iterator
from typing import Any

from fastavro import parse_schema
from hypothesis import strategies as st

from kafkalert.errors import DecodingError
from kafkalert.serde.codec import Codec
from kafkalert.serde.foreign import bare
from kafkalert.serde.framing import SINGLE_OBJECT_BYTES, Framing
from kafkalert.serde.schemas import names, schema, whole


class Shelf:
    """A registry that holds what it is told to; ids by schema, or the other way round."""

    def __init__(self, *foreign: Any) -> None:  # noqa: ANN401 - schemas as JSON
        known = [parse_schema(whole(name)) for name in names()]  # as a registry gives them
        self.schemas = dict(enumerate([*known, *(parse_schema(bare(one)) for one in foreign)], start=1))

    def schema_id(self, name: str) -> int:
        """The id of one of our schemas."""
        return names().index(name) + 1

    def writer(self, schema_id: int) -> Any:  # noqa: ANN401 - as in Registry
        """The schema of an id."""
        if schema_id not in self.schemas:
            raise DecodingError("unknown-schema-id", "not on the shelf")
        return self.schemas[schema_id]


PLAIN = Codec()
CONFLUENT = Codec(Framing(Shelf(), confluent=True))
BOTH = Codec(Framing(Shelf()))


def datums(parsed: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401, PLR0911 - a schema; one return a kind
    """Any datum of a parsed schema."""
    if isinstance(parsed, list):
        return st.one_of(*(datums(one) for one in parsed))
    match parsed["type"] if isinstance(parsed, dict) else parsed:
        case "record":
            return st.fixed_dictionaries({one["name"]: datums(one["type"]) for one in parsed["fields"]})
        case "enum":
            return st.sampled_from(parsed["symbols"])
        case "array":
            return st.lists(datums(parsed["items"]), max_size=3)
        case "map":
            return st.dictionaries(st.text(), datums(parsed["values"]), max_size=3)
        case "null":
            return st.none()
        case "long":
            return st.integers(-(2**63), 2**63 - 1)
        case "string":
            return st.text()
        case name:
            return datums(schema(str(name).rpartition(".")[2]).parsed)


DATUMS = {name: datums(schema(name).parsed) for name in names()}


def is_record(decode: Callable[[], object]) -> bool:
    """Whether bytes were a record; anything but a record or a DecodingError raises."""
    try:
        decode()
    except DecodingError:
        return False
    return True


def mutants(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """`count` records of every schema with up to three bytes changed, put in or left out; quick to make."""
    made = random.Random(seed)  # noqa: S311 - nothing secret
    texts = ("", "NL91ABNA0417164300", "x" * 70, "é漢🏦")
    bases: list[tuple[str, bytes]] = []
    for name in names():
        for text in texts:
            datum = sample(schema(name).parsed, text)
            bases += [(name, PLAIN.encode(name, datum)), (name, CONFLUENT.encode(name, datum))]
    odd = (0, 1, 2, 3, 4, 0x7F, 0x80, 0x81, 0xFF)
    for _ in range(count):
        name, base = made.choice(bases)
        raw = bytearray(base)
        for _ in range(made.randrange(1, 4)):
            # Mostly behind the prefix: nearly every other change is only an unknown schema.
            at = int(made.random() * (len(raw) + 10)) - 10
            at = at % len(raw) if at < 0 else max(at, min(SINGLE_OBJECT_BYTES, len(raw) - 1))
            match made.randrange(4):
                case 0:
                    raw[at:at] = made.randbytes(made.randrange(1, 12))
                case 1:
                    del raw[at : at + made.randrange(1, 4)]
                case _:
                    raw[at] = made.choice(odd)
            if not raw:
                break
        yield name, bytes(raw)


def sample(parsed: Any, text: str) -> Any:  # noqa: ANN401, PLR0911 - a datum; one return a kind
    """One datum of a parsed schema, its strings all `text`."""
    if isinstance(parsed, list):
        return sample(parsed[-1], text)
    match parsed["type"] if isinstance(parsed, dict) else parsed:
        case "record":
            return {one["name"]: sample(one["type"], text) for one in parsed["fields"]}
        case "enum":
            return parsed["symbols"][0]
        case "array":
            return [sample(parsed["items"], text)] * 2
        case "map":
            return {"a": text, text: text}
        case "long":
            return 725846400000
        case "string":
            return text
        case name:
            return sample(schema(str(name).rpartition(".")[2]).parsed, text)
