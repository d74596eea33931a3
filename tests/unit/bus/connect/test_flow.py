"""What workers and connectors of the mirror are given."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from kafkalert.bus.connect.flow import LARGEST, connector_config, flows, properties_text, topics, worker_config
from kafkalert.config.names import CONTROL, STATUS
from kafkalert.config.pipeline import TOPICS
from kafkalert.config.secrets import Reference
from kafkalert.config.sections import Cluster, Context, Mirror, Settings, Topics
from kafkalert.ops.mirror.rendering import remarks

SECURED = {"security.protocol": SecretStr("SSL"), "ssl.key.password": SecretStr("hidden")}


def settings(*, prefix: str = "", kafka: dict[str, SecretStr] | None = None, **sections: Any) -> Settings:  # noqa: ANN401 - sections
    clusters = {
        "dc1": Cluster(name="dc1", bootstrap="a:1", connect="http://w1:8083", kafka=kafka or {}),
        "dc2": Cluster(name="dc2", bootstrap="b:2", connect="https://w2:8443,https://w3:8443", kafka=kafka or {}),
    }
    return Settings(context=Context(clusters=("dc1", "dc2"), prefix=prefix), clusters=clusters, **sections)


def reference(_: str) -> Reference:
    return Reference("env", "X")


def test_the_two_flows_drop_what_the_other_carried() -> None:
    """Each marks with its source what the other drops by its target: nothing goes round."""
    chosen = settings()
    there, back = (connector_config(chosen, flow) for flow in flows(chosen))
    assert there["transforms.mark.header"] == back["predicates.back.name"] == "ka-origin.dc1"
    assert back["transforms.mark.header"] == there["predicates.back.name"] == "ka-origin.dc2"
    assert there["topics"] == back["topics"]
    assert there["source.cluster.bootstrap.servers"] == back["target.cluster.bootstrap.servers"] == "a:1"
    assert [flow.connector for flow in flows(chosen)] == ["mirror-dc1-to-dc2", "mirror-dc2-to-dc1"]


def test_one_cluster_has_no_flow_and_contexts_that_share_workers_have_their_own() -> None:
    one = Settings(context=Context(clusters=("dc1",)), clusters={"dc1": Cluster(name="dc1", bootstrap="a:1")})
    assert flows(one) == ()
    assert flows(settings(prefix="test."))[0].connector == "test.mirror-dc1-to-dc2"


@given(
    prefix=st.text("ab.-_", max_size=4),
    names=st.dictionaries(st.sampled_from(TOPICS), st.text("abc.-_", min_size=3, max_size=9), max_size=4),
    other=st.text("abc.-_", min_size=3, max_size=12),
)
def test_exactly_the_pipeline_s_topics_cross_by_their_names_here(
    prefix: str, names: dict[str, str], other: str
) -> None:
    """Connect takes a list of regular expressions with commas between, each for a whole name."""
    chosen = settings(prefix=prefix, topics=Topics(names=names))
    patterns = connector_config(chosen, flows(chosen)[0])["topics"].split(",")
    wanted = {prefix + names.get(topic, topic) for topic in TOPICS if topic not in {CONTROL, STATUS}}
    assert set(topics(chosen)) == wanted
    candidates = wanted | {prefix + other, *(name.replace(".", "x") for name in wanted)}
    assert {name for name in candidates if any(re.fullmatch(each, name) for each in patterns)} == wanted


def test_the_configuration_reaches_connectors_and_workers() -> None:
    chosen = settings(topics=Topics(replication=3), mirror=Mirror(tasks=5, refresh=timedelta(minutes=1)))
    connector = connector_config(chosen, flows(chosen)[0])
    assert connector["replication.factor"] == "3"
    assert connector["tasks.max"] == "5"
    assert connector["refresh.topics.interval.seconds"] == "60"
    worker = worker_config(chosen, "dc2")
    assert {worker[f"{kind}.storage.replication.factor"] for kind in ("config", "offset", "status")} == {"3"}
    assert worker["listeners"] == "https://${env:KAFKALERT_CONNECT_HOST}:8443"
    assert worker_config(chosen, "dc1")["listeners"] == "http://w1:8083"


def test_workers_ask_who_it_is_as_configured(tmp_path: Path) -> None:
    """By password or certificate; without either nobody is asked, which is said of other machines' URLs."""
    open_ = settings()
    signed, known = settings(), settings()
    signed.clusters["dc2"] = signed.clusters["dc2"].model_copy(update={"connect_auth": SecretStr("a:geheim")})
    known.clusters["dc2"] = known.clusters["dc2"].model_copy(update={"connect_certificate": tmp_path / "client.pem"})
    assert worker_config(signed, "dc2")["rest.extension.classes"].endswith(".BasicAuthSecurityRestExtension")
    assert worker_config(known, "dc2")["listeners.https.ssl.client.auth"] == "required"
    assert "geheim" not in str(worker_config(signed, "dc2"))
    assert not {"rest.extension.classes", "listeners.https.ssl.client.auth"} & worker_config(open_, "dc2").keys()
    said = [[one.split(" beside ")[1][:3] for one in remarks(each, reference)] for each in (open_, signed, known)]
    assert said == [["dc1", "dc2"], ["dc1"], ["dc1"]]
    local = {name: one.model_copy(update={"connect": "http://127.0.0.1:1"}) for name, one in open_.clusters.items()}
    assert remarks(open_.model_copy(update={"clusters": local}), reference) == []


def test_a_worker_resolves_what_its_connectors_refer_to_and_nothing_else() -> None:
    """Whoever may change a connector could have any other variable or file sent to a server of his own."""
    kafka = {name: SecretStr("x") for name in ("ssl.key.password", "ssl.certificate.location", "ssl.key.location")}
    kafka["ssl.certificate.location"] = SecretStr("/etc/tls/own/client.crt")
    kafka["ssl.key.location"] = SecretStr("/run/secrets/client.key")
    worker = worker_config(settings(kafka=kafka), "dc2", lambda at: reference(at) if "password" in at else None)
    plain = worker_config(settings(kafka=kafka), "dc2", reference, plain=True)
    assert "X" in plain["config.providers.env.param.allowlist.pattern"], "connectors are given references all the same"
    assert worker["config.providers"] == "env,directory"
    pattern = re.compile(worker["config.providers.env.param.allowlist.pattern"])
    allowed = {name for name in ("X", "XX", "PATH", "KAFKALERT_CONNECT_HOST") if pattern.fullmatch(name)}
    assert allowed == {"X", "KAFKALERT_CONNECT_HOST"}
    assert worker["config.providers.directory.param.allowed.paths"] == "/etc/tls/own,/run/secrets"
    assert not any(name.startswith("config.providers") for name in worker_config(settings(), "dc1"))


def test_each_side_is_reached_its_own_way() -> None:
    """The worker, the clients that it makes for connectors, and both ends of the connector; by reference."""
    chosen = settings(kafka=SECURED)
    connector = connector_config(chosen, flows(chosen)[0], reference)
    worker = worker_config(chosen, "dc2", reference)
    assert connector["source.cluster.ssl.key.password"] == connector["target.cluster.ssl.key.password"] == "${env:X}"
    assert worker["ssl.key.password"] == worker["producer.ssl.key.password"] == worker["admin.ssl.key.password"]
    assert "hidden" not in str(connector) + str(worker)
    assert connector_config(chosen, flows(chosen)[0], plain=True)["source.cluster.ssl.key.password"] == "hidden"


def test_a_record_as_large_as_either_cluster_takes_can_cross() -> None:
    """Java's producer counts before compression, and has to buffer what it sends."""
    usual, large = settings(), settings(kafka={"message.max.bytes": SecretStr(str(LARGEST * 4))})
    limits = [connector_config(one, flows(one)[0]) for one in (usual, large)]
    sizes = [int(one["producer.override.max.request.size"]) for one in limits]
    assert sizes == [LARGEST, LARGEST * 4]
    assert all(int(one["producer.override.buffer.memory"]) >= size for one, size in zip(limits, sizes, strict=True))


def test_a_properties_file_keeps_what_java_would_take_apart() -> None:
    assert properties_text({"a": "x\\y", "b": " p\nq", "c": ""}) == "a=x\\\\y\nb=\\ p\\nq\nc=\n"
    assert properties_text({"d": "\u00e9\u00a0\U0001f600"}) == "d=\\u00e9\\u00a0\\ud83d\\ude00\n"
