"""The parts that the configuration is read by: durations, lines, variables, properties, the template."""

import logging
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.config import properties
from kafkalert.config.durations import format_duration, parse_duration
from kafkalert.config.loading.environment import overrides
from kafkalert.config.loading.lines import LONGEST, lines, places
from kafkalert.config.loading.load import read
from kafkalert.config.loading.show import HIDDEN, in_force
from kafkalert.config.loading.template import TEMPLATE

KEY = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
MILLISECONDS = st.integers(0, 10**13)


@given(MILLISECONDS)
def test_a_duration_is_read_as_it_is_written(ms: int) -> None:
    """parse(format(d)) is d, for whole milliseconds."""
    duration = timedelta(milliseconds=ms)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "ms"),
    [("500ms", 500), ("30s", 30_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("0s", 0), ("1m1ms", 60_001)],
)
def test_durations(text: str, ms: int) -> None:
    assert parse_duration(text) == timedelta(milliseconds=ms)


@pytest.mark.parametrize(
    "text", ["", "5", "-1s", "1.5s", "s", "1s1m", "1s1s", "1 s", "1S", "٣s", "1s\n", "1000000000d"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Numbers without a unit, units out of order or twice, signs, spaces, other digits."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        assert parse_duration(text) >= timedelta()
    except ValueError as error:
        assert "duration" in str(error)  # noqa: PT017 - both ends are fine, no third is


@given(
    st.dictionaries(
        KEY, st.dictionaries(KEY, st.sampled_from(["1", "'x'", "[\n1,\n2,\n]", '"""\na = 1\nb = 2"""']), max_size=4)
    ),
    st.sampled_from(["", "\n", "# a = 1\n", "\n# [b]\n\n"]),
)
def test_each_key_is_found_on_the_line_where_it_begins(tables: dict[str, dict[str, str]], between: str) -> None:
    """Whatever stands between, and whatever values of several lines look like."""
    text, expected = "", {}
    for table, keys in tables.items():
        text += between
        expected[table] = text.count("\n") + 1
        text += f"[{table}]\n"
        for key, value in keys.items():
            text += between
            expected[f"{table}.{key}"] = text.count("\n") + 1
            text += f"{key} = {value}\n"
    assert lines(text) == expected
    assert set(places(tomllib.loads(text))) == set(expected)


def test_a_very_long_file_is_not_located() -> None:
    """Finding lines takes a parse a line; beyond a thousand the places alone have to do."""
    assert lines("\n" * (LONGEST + 1) + "a = 1") == {}


def test_variables_name_places() -> None:
    """`__` nests; names of clusters keep their case; properties have points, but for log_level."""
    found = overrides(
        {
            "KAFKALERT_CLUSTERS__DC1__KAFKA__SASL_PASSWORD": "p",
            "KAFKALERT_CLUSTERS__DC1__KAFKA__SOCKET__TIMEOUT__MS": "5",
            "KAFKALERT_CLUSTERS__NEW__KAFKA__LOG_LEVEL": "7",
            "KAFKALERT_CONTEXTS__A__CLUSTERS": '["x"]',
            "KAFKALERT_ENGINE__STATE": "[no list",
            "KAFKALERT_CONTEXT": "a",
            "KAFKALERT_CONFIG": "x.toml",
            "KAFKALERT_PORT": "1",
            "PATH": "/bin",
        },
        {"clusters": {"Dc1": {}}},
    )
    assert {path: value for path, (_, value) in found.items()} == {
        ("clusters", "Dc1", "kafka", "sasl.password"): "p",
        ("clusters", "Dc1", "kafka", "socket.timeout.ms"): "5",
        ("clusters", "new", "kafka", "log_level"): "7",
        ("contexts", "a", "clusters"): ["x"],
        ("engine", "state"): "[no list",
        ("context",): "a",
    }


def known_to_librdkafka(name: str) -> bool:
    with pytest.raises((KafkaException, TypeError, ValueError)) as caught:
        Producer({name: "", "kafkalert.absurd": ""}, logger=logging.getLogger("kafkalert.librdkafka"))
    return f'No such configuration property: "{name}"' not in str(caught.value)


@pytest.mark.parametrize(
    "name", sorted({*properties._NAMES.split(), *properties.FIXED, *properties.ELSEWHERE} - {"plugin.library.paths"})
)
def test_every_listed_property_is_librdkafka_s(name: str) -> None:
    """The list was not made up: the library that is installed knows each name, save one that loads code."""
    assert known_to_librdkafka(name)


def test_a_property_that_is_not_listed_is_asked_of_librdkafka() -> None:
    """So a newer library's properties need no newer kafkalert."""
    assert properties.refusal("enable.metrics.push") == ""
    assert properties._asked("enable.metrics.push")
    assert not properties._asked("enable.metrics.pusher")
    assert properties.refusal("enable.metrics.pusher").endswith("Did you mean enable.metrics.push?")


@pytest.mark.parametrize("name", ["error_cb", "on_delivery", "opaque", "default.topic.config", "interceptors"])
def test_properties_that_are_code_are_refused(name: str) -> None:
    assert "code" in properties.refusal(name)


def test_the_template_is_right_as_it_is(clean: Path) -> None:
    """What `init` writes passes `config check`."""
    (clean / "kafkalert.toml").write_text(TEMPLATE)
    loaded = read()
    assert loaded.settings.context.name == "local"
    assert loaded.notes == ()


def test_the_template_s_comments_are_the_defaults(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every `# key = value` made a line, the file is right, and but for examples nothing changes."""
    monkeypatch.setenv("DC1_PASSWORD", "x" * 16)
    monkeypatch.setenv("KAFKALERT_ID_KEY", "x" * 16)
    (clean / "registry-password").write_text("user:password")
    (clean / "kafkalert.toml").write_text(TEMPLATE)
    plain = {row.key: row.value for row in in_force(read())}
    rows = [
        row.removeprefix("# ")
        if row.startswith("# ") and (" = " in row or row.startswith("# [")) and ": " not in row
        else row
        for row in TEMPLATE.splitlines()
    ]
    (clean / "kafkalert.toml").write_text("\n".join(rows))
    full = {row.key: row.value for row in in_force(read())}
    examples = {"topics.names.accountentry", "serde.registry", "serde.registry_auth", "alerts.id_key"}
    changed = {key for key, value in full.items() if plain.get(key) != value and ".kafka." not in key}
    assert changed == examples


def test_every_key_is_in_the_document(clean: Path) -> None:
    """docs/configuration.md lists each key of the sections, with its default."""
    (clean / "kafkalert.toml").write_text(TEMPLATE)
    document = (Path(__file__).parents[3] / "docs/configuration.md").read_text()
    for row in in_force(read()):
        if not row.key.startswith(("clusters.", "contexts.", "context")):
            assert f"`{row.key}`" in document
            if row.value not in (None, HIDDEN):
                line = next(line for line in document.splitlines() if f"| `{row.key}`" in line)
                assert f"`{row.value}`" in line
