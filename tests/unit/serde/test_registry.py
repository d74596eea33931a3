"""A registry that is not to be trusted, or not now; no server is needed."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from kafkalert.errors import DecodingError, UnreachableError
from kafkalert.serde.codec import Codec
from kafkalert.serde.framing import Framing
from kafkalert.serde.registry import ConfluentRegistry

pytest.importorskip("confluent_kafka.schema_registry", reason="the extra `registry` is not installed")


class Client:
    """Gives every id the same schema, and each reference `referred`; notes what it is asked."""

    def __init__(self, schema: str, references: int = 0, referred: str = "") -> None:
        self._schema, self._referred = schema, referred
        self._references = [SimpleNamespace(subject="s", version=number) for number in range(references)]
        self.asked: list[object] = []

    def get_schema(self, schema_id: int) -> object:
        """The schema."""
        self.asked.append(schema_id)
        return SimpleNamespace(schema_str=self._schema, references=self._references)

    def get_version(self, subject: str, version: int) -> object:
        """What it refers to."""
        self.asked.append((subject, version))
        schema = self._referred.replace("NAME", f"N{version}")
        return SimpleNamespace(schema=SimpleNamespace(schema_str=schema, references=[]))


def registry(client: Any) -> ConfluentRegistry:  # noqa: ANN401 - a stand-in for the library's
    """One that has this client."""
    made = ConfluentRegistry("http://127.0.0.1:1")
    made._client = client
    return made


@pytest.mark.parametrize("schema", ["no JSON", '{"type": "enum", "name": "E", "symbols": ["A"]}'])
def test_a_schema_that_cannot_be_read_is_looked_at_once(schema: str) -> None:
    """Each of a flood of its records is put away without it, for the same reason."""
    client = Client(schema)
    codec = Codec(Framing(registry(client)))
    said = set()
    for _ in range(3):
        with pytest.raises(DecodingError) as raised:
            codec.decode("AccountId", b"\0\0\0\0\7")
        said.add((raised.value.code, str(raised.value)))
    assert client.asked == [7]
    assert [code for code, _ in said] == ["bad-schema"]


def test_what_a_schema_refers_to_counts_as_part_of_it() -> None:
    """A hundred schemas, each of which is as large as one may be, would be a minute's work."""
    large = json.dumps({"type": "record", "name": "NAME", "doc": "x" * 400_000, "fields": []})
    top = json.dumps({"type": "record", "name": "Top", "fields": []})
    assert registry(Client(top, 2, large)).writer(1)["name"] == "Top"
    client = Client(top, 50, large)
    with pytest.raises(DecodingError, match="is no Avro schema"):
        registry(client).writer(1)
    assert len(client.asked) == 4


@pytest.mark.parametrize("status", [408, 425, 429, 503])
def test_a_registry_that_is_asked_too_often_is_away(status: int) -> None:
    """So a stage waits for it, and does not end."""
    from confluent_kafka.schema_registry import SchemaRegistryError  # noqa: PLC0415 - an extra

    def busy(_: int) -> object:
        raise SchemaRegistryError(status, 42901, "not now")

    with pytest.raises(UnreachableError, match=f"HTTP {status}"):
        registry(SimpleNamespace(get_schema=busy)).writer(1)
