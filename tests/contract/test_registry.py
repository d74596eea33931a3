"""One contract, two registries: a real server (Apicurio's, by its Confluent-compatible API) and the client's mock."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastavro import schemaless_writer

from kafkalert.config.sections import Serde
from kafkalert.errors import ConfigError, DecodingError, KafkalertError, UnreachableError
from kafkalert.ops import schemas
from kafkalert.ops.schemas import KEYS, VALUES, State
from kafkalert.serde.build import codec
from kafkalert.serde.codec import Codec
from kafkalert.serde.framing import Framing
from kafkalert.serde.registry import ConfluentRegistry, public, subject
from kafkalert.serde.schemas import names, schema, whole

pytest.importorskip("confluent_kafka.schema_registry", reason="the extra `registry` is not installed")

MOCK = "mock://kafkalert"


@pytest.fixture(params=["apicurio", "mock"])
def registry(request: pytest.FixtureRequest) -> Iterator[ConfluentRegistry]:
    """A registry that a test may fill; the server's is the whole session's, so registering twice must do."""
    url = request.getfixturevalue("apicurio") if request.param == "apicurio" else MOCK
    with closing(ConfluentRegistry(url)) as made:
        yield made


def client(registry: ConfluentRegistry) -> Any:  # noqa: ANN401 - the library's client
    """The library's own client, to be somebody else."""
    return registry._client


def foreign(registry: ConfluentRegistry, name: str, definition: object, references: object = ()) -> int:
    """Somebody else's schema under a subject of theirs; its id."""
    from confluent_kafka.schema_registry import Schema  # noqa: PLC0415 - an extra

    made: int = client(registry).register_schema(name, Schema(json.dumps(definition), "AVRO", list(references)))  # type: ignore[call-overload]
    return made


@pytest.mark.parametrize("name", names())
def test_what_is_registered_is_found_and_is_the_same_schema(registry: ConfluentRegistry, name: str) -> None:
    """An id of a registered schema leads back to the schema, and registering again gives the same id."""
    made = registry.register(name)
    assert registry.register(name) == registry.find(name) == registry.schema_id(name) == made
    if name != "ChannelType":
        assert registry.writer(made)["name"] == schema(name).parsed["name"]


def test_records_come_back_by_the_registry(registry: ConfluentRegistry) -> None:
    """A record written with a registry's id is read by another reader, which asks the registry."""
    made = registry.register("CustomerIds")
    datum = {"customerIds": [{"id": "C1"}, {"id": "ß漢"}]}
    data = Codec(Framing(registry, confluent=True)).encode("CustomerIds", datum)
    assert data[:5] == b"\0" + made.to_bytes(4, "big")
    assert Codec(Framing(registry)).decode("CustomerIds", data) == datum


def test_an_unknown_id_is_a_decoding_error_and_asked_once(
    registry: ConfluentRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Poison that names ids at random does not become a load on the registry."""
    asked: list[int] = []
    get: Callable[[int], object] = client(registry).get_schema

    def noted(one: int) -> object:
        asked.append(one)
        return get(one)

    monkeypatch.setattr(client(registry), "get_schema", noted)
    for _ in range(3):
        with pytest.raises(DecodingError, match="99999999") as error:
            registry.writer(99_999_999)
        assert error.value.code == "unknown-schema-id"
    assert asked == [99_999_999]


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "record", "name": "Nulls", "fields": [{"name": "a", "type": {"type": "array", "items": "null"}}]},
        {"type": "record", "name": "Deep", "fields": [{"name": "a", "type": ["null", "Deep"]}]},
        {"type": "enum", "name": "Kind", "symbols": ["A"]},
        "string",
    ],
)
def test_a_schema_that_is_not_safe_to_read_is_refused(registry: ConfluentRegistry, definition: object) -> None:
    """What a few bytes could make cost without bound, and what is no record, is not read."""
    made = foreign(registry, f"unsafe-{abs(hash(str(definition)))}", definition)
    with pytest.raises(DecodingError) as error:
        registry.writer(made)
    assert error.value.code == "bad-schema"


def test_a_newer_version_is_read(registry: ConfluentRegistry) -> None:
    """A bank's producer with one more field, under a subject of its own, is understood."""
    newer = whole("CustomerIds")
    newer["fields"] = [{"name": "since", "type": "long"}, *newer["fields"]]
    made = foreign(registry, "accounttocustomerids-value", newer)
    body = BytesIO()
    schemaless_writer(body, registry.writer(made), {"since": 7, "customerIds": [{"id": "C1"}]})
    data = b"\0" + made.to_bytes(4, "big") + body.getvalue()
    assert Codec(Framing(registry)).decode("CustomerIds", data) == {"customerIds": [{"id": "C1"}]}


def test_a_schema_that_refers_to_another_is_read_with_it(registry: ConfluentRegistry) -> None:
    """References of the registry are followed."""
    from confluent_kafka.schema_registry import SchemaReference  # noqa: PLC0415 - an extra

    registry.register("CustomerId")
    reference = SchemaReference(subject("CustomerId"), subject("CustomerId"), 1)
    definition = {
        "type": "record",
        "name": "Outer",
        "fields": [{"name": "customer", "type": "nl.rabobank.beb.distribution.CustomerId"}],
    }
    made = foreign(registry, "outer", definition, [reference])
    assert registry.writer(made)["name"] == "Outer"


def test_register_and_check_agree(apicurio: str) -> None:
    """On a real server: what check misses, register brings, and check then finds with its id."""
    serde = Serde(registry=apicurio)
    before = {one.name: one for one in schemas.check(serde)}
    assert set(before) == {*KEYS, *VALUES}
    schemas.register(serde, [name for name, one in before.items() if one.state is State.MISSING])
    after = schemas.check(serde)
    assert {one.state for one in after} == {State.REGISTERED}
    assert all(one.id for one in after)
    confluent = codec(Serde(registry=apicurio, framing="confluent"))
    assert confluent.encode("AccountId", {"id": "A1"})[:1] == b"\0"
    confluent.framing._registry.close()  # type: ignore[union-attr]  # the one that was built


def test_the_command_registers_what_check_misses(tmp_path: Path, apicurio: str) -> None:
    """By the installed command: 5 while nobody is there to ask, 0 with --yes, and then check is content too."""
    (tmp_path / "kafkalert.toml").write_text(
        f'[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n[serde]\nregistry = "{apicurio}"\n', encoding="utf-8"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("kafkalert")), "schemas", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    missing = run("check").returncode == 3
    assert run("register").returncode == (5 if missing else 0)
    assert run("register", "--yes").returncode == 0
    done = run("check", "-o", "json")
    assert done.returncode == 0
    assert {row["state"] for row in json.loads(done.stdout)} == {"registered"}


def test_a_registry_that_is_away_is_told() -> None:
    """No answer is an UnreachableError, for reading as for writing."""
    with closing(ConfluentRegistry("http://127.0.0.1:9")) as away:
        for ask in (lambda: away.writer(1), lambda: away.schema_id("AccountId"), lambda: away.register("AccountId")):
            with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:9 does not answer"):
                ask()


def test_what_is_not_registered_is_told_with_what_to_run() -> None:
    """A producer without its schema stops with the command that registers it."""
    with pytest.raises(ConfigError, match="AccountId is not registered") as error:
        ConfluentRegistry("mock://empty").schema_id("AccountId")
    assert "schemas register" in error.value.hint


def test_a_wrong_url_is_a_configuration_error_that_hides_the_password() -> None:
    """Whatever stands in the URL before the host is not printed."""
    with pytest.raises(ConfigError) as error:
        ConfluentRegistry("ftp://user:secret@host")
    assert "secret" not in str(error.value)
    assert public("https://user:secret@host:1/x@y") == "https://host:1/x@y"


def test_without_a_registry_there_is_nothing_to_check() -> None:
    with pytest.raises(KafkalertError, match="No schema registry is configured"):
        schemas.check(Serde())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HTTP_PROXY", "http://127.0.0.1:1", "does not answer through the proxy that HTTP_PROXY name"),
        ("ALL_PROXY", "socks5://127.0.0.1:1", "No client of the schema registry can be made (Using SOCKS proxy"),
        ("SSL_CERT_FILE", "/nonexistent", "No client of the schema registry can be made (No such file or directory)"),
    ],
)
def test_what_the_environment_does_is_no_fault_of_the_registry(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(KafkalertError) as failed:
        ConfluentRegistry("http://127.0.0.1:1").find("AccountEntry")
    assert words in str(failed.value)
    assert name in f"{failed.value}{failed.value.hint}"
