"""From a message of Kafka to a record that can be shown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from confluent_kafka import Message

from kafkalert.config.pipeline import PIPELINE, SCHEMAS
from kafkalert.errors import DecodingError
from kafkalert.model.moment import moment
from kafkalert.model.personal import Personal
from kafkalert.ops.masks import Tree, guard, guard_header
from kafkalert.serde.codec import Codec
from kafkalert.serde.schemas import names as schema_names

_INTERNAL: Final = frozenset(topic.name for topic in PIPELINE if topic.internal)


@dataclass(frozen=True, slots=True)
class Record:
    """One record, decoded. What is personal in key, value and headers is `Personal`: it prints masked.

    `channel` is the word by which `tail` knows the topic, None for others; `timestamp` is UTC, None where the record
    has none that a calendar knows. A header that is there several times is a list. `schema` is the value's, or empty.
    """

    channel: str | None
    topic: str
    partition: int
    offset: int
    timestamp: datetime | None
    key: Tree
    value: Tree
    headers: dict[str, Tree]
    schema: str = ""


class Reader:
    """Makes records of messages.

    `topics` maps what the pipeline's topics are called here to their own names (docs/topics.md), `channels` to words.
    """

    def __init__(self, codec: Codec, topics: Mapping[str, str], channels: Mapping[str, str]) -> None:
        self._codec = codec
        self._topics = topics
        self._channels = channels

    def read(self, message: Message) -> Record:
        """Return the record in `message`.

        Raises DecodingError where its topic says what it has to be, and it is not.
        """
        topic = str(message.topic())
        own = self._topics.get(topic, "")
        key_schema, value_schema = SCHEMAS.get(own, ("", ""))
        if own in _INTERNAL:
            most = self._codec.largest
            found, key, value = "", _plain(message.key(), most), _plain(message.value(), most)
        else:
            found, value = self._part(value_schema, message.value())
            key = self._part(key_schema, message.key())[1]
        return Record(
            channel=self._channels.get(topic),
            topic=topic,
            partition=int(message.partition() or 0),
            offset=int(message.offset() or 0),
            timestamp=moment(message.timestamp()[1]),
            key=key,
            value=value,
            headers=_headers(message.headers()),
            schema=found,
        )

    def _part(self, schema: str, data: bytes | str | None) -> tuple[str, Tree]:
        """Return a key or value, and the schema it was read by: the topic's, else whatever its own bytes name."""
        if data is None:
            return schema, None
        raw = data.encode() if isinstance(data, str) else data
        if schema:
            return schema, guard(schema, self._codec.decode(schema, raw))
        try:
            writer, _ = self._codec.framing.writer(raw)
            named = str(writer.get("name")).rpartition(".")[2] if isinstance(writer, dict) else ""
            if named in schema_names():
                return named, guard(named, self._codec.decode(named, raw))
        except DecodingError:  # a topic that may hold anything, such as the dead letters
            pass
        return "", Personal(raw.decode(errors="backslashreplace"))


_DEEPEST = 100
"""Levels of JSON that are taken apart; what is deeper is shown as its text."""


def _plain(data: bytes | str | None, most: int) -> Tree:
    """Return what JSON says; of more than `most` characters, as of what is none, the text."""
    if data is None:
        return None
    text = data if isinstance(data, str) else data.decode(errors="backslashreplace")
    if len(text) > most:
        return text
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    return found if _is_shallow(found) else text


def _refuse(word: str) -> object:
    """NaN and Infinity, which Python takes, are no JSON (RFC 8259, section 6)."""
    raise ValueError(word)


def _is_shallow(tree: Tree) -> bool:
    """Whether what goes through it level by level, as masks, filters and output do, comes to its end."""
    level = [tree]
    for _ in range(_DEEPEST):
        level = [
            part
            for node in level
            if isinstance(node, dict | list)
            for part in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return True
    return False


def _headers(raw: Any) -> dict[str, Tree]:  # noqa: ANN401 - pairs of name and value; the library says dict too
    headers: dict[str, Tree] = {}
    for name, value in raw or ():
        text = guard_header(name, value)
        if name in headers:
            held = headers[name]
            headers[name] = [*held, text] if isinstance(held, list) else [held, text]
        else:
            headers[name] = text
    return headers
