"""Avro's Java library and kafkalert understand each other's records.

What was understood is compared through Avro's JSON encoding, so neither library's binary reading is judged by its own
binary writing.
"""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from struct import pack, unpack_from
from typing import Any

import pytest
from fastavro import json_reader, json_writer

from bench import jvm
from kafkalert.serde.codec import Codec
from kafkalert.serde.schemas import folder, names, schema

pytestmark = [
    pytest.mark.java,
    pytest.mark.skipif(jvm.missing() is not None, reason=str(jvm.missing())),
]

PROGRAM = Path(__file__).parents[1] / "java"
EACH = 50
TEXTS = ("", "x", "NL31KALE0000000001", "é", "漢字", "🏦", '"\\/\b\n\t\u0000', "a" * 63, "b" * 64, "ß" * 5000)
LONGS = (0, -1, 1, 63, 64, -64, -65, 2**31, -(2**31), 2**63 - 1, -(2**63))

Records = list[tuple[str, Any]]
"""Short name of the schema, and the datum."""


@pytest.fixture(scope="module")
def records() -> Records:
    """`EACH` random records of every schema, strange ones among them; the same in every run."""
    random = Random(2024)  # noqa: S311 - nothing secret
    return [(name, datum(schema(name).parsed, random)) for name in names() for _ in range(EACH)]


@pytest.fixture(scope="module")
def java() -> Callable[[str, Path, Path], None]:
    """Runs the Java program: what to do, from which file, to which file."""
    jar = jvm.build(PROGRAM)

    def run(verb: str, source: Path, target: Path) -> None:
        command = ["java", "-jar", str(jar), verb, str(folder()), str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr

    return run


def test_java_reads_what_kafkalert_wrote(
    records: Records, java: Callable[[str, Path, Path], None], tmp_path: Path
) -> None:
    """Every record that kafkalert writes says to Java what was meant."""
    (tmp_path / "bytes").write_bytes(b"".join(framed(name, Codec().encode(name, value)) for name, value in records))
    java("read", tmp_path / "bytes", tmp_path / "json")
    lines = (tmp_path / "json").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    parts = (line.partition("\t") for line in lines)
    understood = [(full.rpartition(".")[2], from_json(full, text)) for full, _, text in parts]
    assert understood == records


def test_kafkalert_reads_what_java_wrote(
    records: Records, java: Callable[[str, Path, Path], None], tmp_path: Path
) -> None:
    """Every record that Java writes says to kafkalert what was meant."""
    assert read_back(written_by_java(records, java, tmp_path)) == records


def test_both_write_the_same_bytes(records: Records, java: Callable[[str, Path, Path], None], tmp_path: Path) -> None:
    """Equal records are equal bytes whoever writes them: keys meet in one partition and in one compacted row.

    Not so the messages, whose params are a map: Avro leaves its order to the writer.
    """
    ordered = [(name, value) for name, value in records if name != "OutboundMessage"]
    written = written_by_java(ordered, java, tmp_path)
    assert written == [(name, Codec().encode(name, value)) for name, value in ordered]


def written_by_java(
    records: Records, java: Callable[[str, Path, Path], None], tmp_path: Path
) -> list[tuple[str, bytes]]:
    """The records as Java encodes them."""
    text = "".join(f"{full_name(name)}\t{to_json(name, value)}\n" for name, value in records)
    (tmp_path / "json").write_text(text, encoding="utf-8")
    java("write", tmp_path / "json", tmp_path / "bytes")
    data, at = (tmp_path / "bytes").read_bytes(), 0
    written: list[tuple[str, bytes]] = []
    while at < len(data):
        parts: list[bytes] = []
        for _ in range(2):
            (size,) = unpack_from(">I", data, at)
            parts.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        written.append((parts[0].decode().rpartition(".")[2], parts[1]))
    return written


def read_back(written: list[tuple[str, bytes]]) -> Records:
    """The records as kafkalert decodes them."""
    return [(name, Codec().decode(name, data)) for name, data in written]


def full_name(name: str) -> str:
    """The name with its namespace."""
    return str(schema(name).parsed["name"])


def framed(name: str, data: bytes) -> bytes:
    """One record as the Java program takes it."""
    full = full_name(name).encode()
    return pack(">I", len(full)) + full + pack(">I", len(data)) + data


def to_json(name: str, value: Any) -> str:  # noqa: ANN401 - any Avro datum
    """Avro's JSON encoding of a datum, on one line."""
    text = io.StringIO()
    json_writer(text, schema(name).parsed, [value])
    return text.getvalue().strip()


def from_json(name: str, text: str) -> Any:  # noqa: ANN401 - any Avro datum
    """The datum that Avro's JSON encoding says."""
    return next(json_reader(io.StringIO(text), schema(name.rpartition(".")[2]).parsed))


def datum(parsed: Any, random: Random) -> Any:  # noqa: ANN401, PLR0911 - one return a kind of schema
    """A random datum of a parsed schema."""
    if isinstance(parsed, list):
        return datum(random.choice(parsed), random)
    kind = parsed["type"] if isinstance(parsed, dict) else parsed
    match kind:
        case "record":
            return {field["name"]: datum(field["type"], random) for field in parsed["fields"]}
        case "enum":
            return random.choice(parsed["symbols"])
        case "array":
            return [datum(parsed["items"], random) for _ in range(random.choice((0, 1, 1, 2, 2, 2, 70)))]
        case "map":
            # No empty key: fastavro's JSON encoder cannot write one.
            return {text(random) or "-": datum(parsed["values"], random) for _ in range(random.choice((0, 1, 8)))}
        case "null":
            return None
        case "long":
            return random.choice((random.choice(LONGS), random.randint(-(2**63), 2**63 - 1)))
        case "string":
            return text(random)
        case _:
            return datum(schema(str(kind).rpartition(".")[2]).parsed, random)


def text(random: Random) -> str:
    """A random string: a strange one, or any characters that UTF-8 has."""
    if random.random() < 0.5:
        return random.choice(TEXTS)
    points = (random.randrange(0xD800), random.randrange(0xE000, 0x110000))
    return "".join(map(chr, points))
