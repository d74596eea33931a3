"""Whatever a file says, it is settings or a ConfigError."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kafkalert.config.loading.load import read
from kafkalert.config.loading.report import ProblemsError
from kafkalert.config.sections import Settings
from kafkalert.errors import ConfigError

KNOWN = st.sampled_from(
    (
        *("context", "contexts", "clusters", "topics", "serde", "alerts", "engine", "names", "kafka", "bootstrap"),
        *("prefix", "dc1", "dc2", "name", "id_key", "registry_auth", "env", "file", "acks", "sasl", "password"),
        *("batch", "linger", "mode", "framing", "registry", "state", "accountentry", "production", "partitions"),
        *("retention", "client.id"),
    )
)
SCALAR = st.one_of(
    st.sampled_from(["dc1", "a:1", "127.0.0.1:9092", "", "confluent", "5s", "HOME", "kafkalert.toml"]),
    st.integers(-3, 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.text("abc\n\"'\\ é", max_size=5),
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(KNOWN, inner, max_size=3)),
    max_leaves=8,
)
CLUSTER = st.fixed_dictionaries(
    {"bootstrap": st.just("a:1") | VALUE}, optional={"kafka": st.dictionaries(KNOWN, VALUE)}
)
CONTEXT = st.fixed_dictionaries({"clusters": st.lists(st.sampled_from(["dc1", "dc2"]), max_size=2)})
DOCUMENT = st.fixed_dictionaries(
    {"clusters": st.dictionaries(st.sampled_from(["dc1", "dc2"]) | KNOWN, CLUSTER, max_size=2) | VALUE},
    optional={
        "context": st.just("dc1") | VALUE,
        "contexts": st.dictionaries(KNOWN, CONTEXT | VALUE, max_size=2) | VALUE,
        "engine": st.dictionaries(KNOWN, VALUE, max_size=3) | VALUE,
        "alerts": st.dictionaries(KNOWN, VALUE, max_size=3) | VALUE,
        "topics": st.dictionaries(KNOWN, VALUE, max_size=3) | VALUE,
        "serde": st.dictionaries(KNOWN, VALUE, max_size=3) | VALUE,
    },
)


def toml(value: Any) -> str:  # noqa: ANN401 - any value that TOML has
    """`value` as TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")


def outcome(path: Path) -> Settings | ConfigError:
    """What comes of a file; any other error is the test's failure."""
    try:
        return read(path).settings
    except ConfigError as error:
        return error


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=500)
@given(DOCUMENT)
def test_any_document_is_settings_or_problems_with_places(clean: Path, document: dict[str, Any]) -> None:
    """No other error gets out; every problem names the file, and its line, as all of them are on one."""
    path = clean / "any.toml"
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in document.items()))
    found = outcome(path)
    if isinstance(found, ProblemsError):
        assert all(str(path) in problem.source for problem in found.problems)
    else:
        assert isinstance(found, Settings)
        assert set(found.clusters) == set(found.context.clusters)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_settings_or_a_config_error(clean: Path, content: bytes) -> None:
    path = clean / "any.toml"
    path.write_bytes(content)
    assert isinstance(outcome(path), Settings | ConfigError)
