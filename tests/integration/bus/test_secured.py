"""Clusters that authenticate and authorize: what is missing is named by each command and stage, and waited for."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import flows
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.watermarks import topic_ids
from kafkalert.config.loading.load import Loaded
from kafkalert.config.sections import Cluster, Context, Engine, Settings
from kafkalert.errors import UnreachableError
from kafkalert.ops.doctor.checkup import CheckGrade, Subject
from kafkalert.ops.doctor.examining import examine
from kafkalert.ops.rights import rights
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.certificates import Authority
from tests.support.data.rows import debit
from tests.support.running import COMMAND
from tests.support.secured import UNKNOWN_NAME, Secured, secured_clusters

pytestmark = pytest.mark.one_cluster
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Both clusters, shared by this module."""
    with secured_clusters(tmp_path_factory.mktemp("secured")) as both:
        yield both


@pytest.fixture(scope="module")
def topics(secured: Secured) -> str:
    """The prefix of topics that are there on both."""
    secured.make_topics("bank.")
    return "bank."


def environment() -> dict[str, str]:
    """This process's, without kafkalert's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KAFKALERT_")}


@pytest.fixture
def as_user(secured: Secured, topics: str, tmp_path: Path) -> Callable[..., Done]:
    """Runs a command as a user of both clusters, or of the one that `names` has."""

    def run(user: str, *arguments: str, names: tuple[str, ...] = ("dc1", "dc2")) -> Done:
        return command(configured(secured, topics, tmp_path, user, names), *arguments)

    return run


def command(config: Path, *arguments: str) -> Done:
    """A command to its end."""
    return subprocess.run(
        [str(COMMAND), "--config", str(config), *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(),
        timeout=SECONDS,
        check=False,
    )


def configured(secured: Secured, prefix: str, folder: Path, user: str, names: tuple[str, ...]) -> Path:
    """The file of a user's configuration."""
    for name in names:
        secured.clusters[name].user(user)
    file = folder / f"{user}-{len(names)}.toml"
    return secured.config(file, prefix, user, names=names, engine={"state": str(folder / f"state-{user}")})


def grant(secured: Secured, prefix: str, user: str, *who: str, names: tuple[str, ...] = ("dc1", "dc2")) -> None:
    """Give a user exactly what the table has for these commands."""
    clusters = {name: Cluster(name=name, bootstrap="x:1") for name in names}
    settings = Settings(context=Context(clusters=names, prefix=prefix), clusters=clusters)
    for name in names:
        secured.clusters[name].user(user)
        secured.clusters[name].grant(
            user,
            [
                (operation, one.kind, resource)
                for one in rights(settings, who)
                for operation in one.operations
                for resource in one.on
            ],
        )


SETTINGS_LINE = json.dumps({"customerId": "1", "settings": []}) + "\n"
ONE, TWO = ("dc1",), ("dc1", "dc2")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["topics", "plan"], ONE),
        (["topics", "apply", "--yes"], ONE),
        (["seed", "authorisations", "FILE", "--yes"], ONE),
        (["seed", "settings", "FILE", "--yes"], TWO),
        (["run", "alerting", "--until-end"], ONE),
        (["run", "alerting", "--wait", "1"], TWO),
        (["run", "bridge", "--from", "FILE"], ONE),
        (["tail", "--topic", "accountentry", "-n", "1"], ONE),
        (["status"], TWO),
        (["failover"], TWO),
        (["failover", "history"], TWO),
        (["failover", "cancel", "--yes"], TWO),
        (["failover", "--to", "dc2", "--yes"], TWO),
        (["failover", "drill", "--yes"], TWO),
        (["failover", "reconcile", "--from", "dc2", "--yes"], TWO),
        (["failover", "repair"], TWO),
        (["group", "show"], ONE),
        (["group", "show", "kafkalert.elsewhere"], ONE),
        (["group", "seek", "kafkalert.alerting", "next", "--yes"], TWO),
        (["lag"], ONE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_without_any_right_each_is_led_to_the_table_of_rights(
    as_user: Callable[..., Done], tmp_path: Path, arguments: list[str], names: tuple[str, ...]
) -> None:
    """By its own message alone: operation, resource, principal, status 5."""
    file = tmp_path / "empty.ndjson"
    file.touch()
    done = as_user("nobody", *[str(file) if one == "FILE" else one for one in arguments], names=names)
    assert (unsaid(done), done.returncode) == ([], 5), done.stderr


@pytest.mark.usefixtures("pipeline")
def test_without_any_right_the_mirror_too(as_user: Callable[..., Done]) -> None:
    """Its worker answers, but the clusters deny."""
    done = as_user("nobody", "mirror", "status")
    assert (unsaid(done), done.returncode) == ([], 5), done.stderr


def unsaid(done: Done) -> list[str]:
    """What a message lacks of what leads to the table of rights: the denial, the principal, where to look."""
    return [words for words in ("denies", "to User:nobody", "kafkalert topics acls") if words not in done.stderr]


PLAIN: dict[str, str] = {}


@pytest.mark.parametrize(
    ("port", "changed", "words", "hint"),
    [
        ("scram", {"sasl.password": "wrong"}, "refuses this client's credentials", "sasl.password"),
        ("scram", {"sasl.mechanism": "PLAIN"}, "supported mechanisms: SCRAM-SHA-512", "sasl.mechanism"),
        ("scram", PLAIN, "wants another security.protocol than PLAINTEXT", "security.protocol"),
        ("lost", {}, "speaks no TLS at this port, but security.protocol is SASL_SSL", "TLS listener"),
        ("lost", PLAIN, f"cannot be reached at {UNKNOWN_NAME}:9092, the address that it advertises", "advertised"),
        ("mtls", {"security.protocol": "ssl"}, "does not take this client's certificate, or lacks one", "ssl.cert"),
    ],
)
def test_what_keeps_a_command_out_is_its_first_line(
    secured: Secured, topics: str, port: str, changed: dict[str, str], words: str, hint: str
) -> None:
    """By the library's own log of real listeners, and what mends it."""
    dc1 = secured.clusters["dc1"]
    dc1.user("kept-out")
    given = PLAIN if changed is PLAIN else {**dc1.kafka("kept-out"), **changed}
    kafka = {name: SecretStr(value) for name, value in given.items()}
    bootstrap = f"127.0.0.1:{getattr(dc1, port)}"
    with pytest.raises(UnreachableError) as refused:
        topic_ids(Cluster(name="dc1", bootstrap=bootstrap, kafka=kafka), [f"{topics}accountentry"], seconds=1.0)
    assert words in str(refused.value)
    assert hint in refused.value.hint
    assert refused.value.cause_known


@pytest.mark.parametrize(
    ("port", "changed", "subject", "words"),
    [
        ("scram", {"sasl.password": "wrong"}, "sasl", "refuses this client's credentials"),
        ("scram", {"sasl.mechanism": "PLAIN"}, "sasl", "supported mechanisms: SCRAM-SHA-512"),
        ("scram", {"ssl.ca.location": "OTHER"}, "tls", "is not trusted: "),
        ("lost", {}, "tls", "speaks no TLS at this port"),
        ("lost", PLAIN, "addresses", f"Broker 1 of dc1 advertises {UNKNOWN_NAME}:9092, but that name is not known"),
    ],
)
def test_doctor_tells_what_keeps_it_out(
    secured: Secured, topics: str, tmp_path: Path, port: str, changed: dict[str, str], subject: str, words: str
) -> None:
    """By the subject that it belongs to, and what cannot be looked at therefore is no finding of its own."""
    dc1 = secured.clusters["dc1"]
    dc1.user("kept-out")
    given = PLAIN if changed is PLAIN else {**dc1.kafka("kept-out"), **changed}
    if given.get("ssl.ca.location") == "OTHER":
        given["ssl.ca.location"] = str(Authority(tmp_path / "other").file)
    kafka = {name: SecretStr(value) for name, value in given.items()}
    cluster = Cluster(name="dc1", bootstrap=f"127.0.0.1:{getattr(dc1, port)}", kafka=kafka)
    found = examine(loaded(cluster, topics, tmp_path))
    assert found.unreachable == ("dc1",)
    (told,) = [one for one in found.checkups if one.is_finding and one.grade is not CheckGrade.LOOK]
    assert (str(told.subject), words in told.text, bool(told.hint)) == (subject, True, True), found


def loaded(cluster: Cluster, prefix: str, folder: Path) -> Loaded:
    """A configuration of one cluster, as it would be read."""
    context = Context(clusters=(cluster.name,), prefix=prefix)
    engine = Engine(state=folder / "state")
    return Loaded(Settings(context=context, clusters={cluster.name: cluster}, engine=engine), {}, {}, ())


def test_doctor_names_the_right_that_is_missing_and_for_what(secured: Secured, topics: str, tmp_path: Path) -> None:
    """Once all are there it has none to name, but that certificates of tests end soon."""
    dc1, who = secured.clusters["dc1"], ("run alerting", "doctor")
    grant(secured, topics, "patient", *who, names=ONE)
    kafka = {name: SecretStr(value) for name, value in dc1.kafka("patient").items()}
    settings = loaded(Cluster(name="dc1", bootstrap=dc1.bootstrap, kafka=kafka), topics, tmp_path)

    def found() -> dict[str, str]:
        return {one.name: one.text for one in examine(settings, who=who).checkups if one.is_finding}

    assert [text for text in found().values() if "in 29 days" not in text] == []
    dc1.revoke("patient", "WRITE", "topic", f"{topics}kafkalert.deadletter")
    dc1.revoke("patient", "READ", "group", f"{topics}kafkalert.alerting")
    lacks = f"READ on group {topics}kafkalert.alerting"
    assert found()["run alerting"] == (
        f"User:patient lacks for `run alerting` on dc1: WRITE on topic {topics}kafkalert.deadletter; {lacks}."
    )
    everything = examine(settings, only=[Subject.PERMISSIONS]).checkups
    assert "failover --to" in {one.name for one in everything if one.grade is CheckGrade.LOOK}


def test_doctor_without_any_right_says_so(topics: str, as_user: Callable[..., Done]) -> None:
    """3: which rights it lacks for itself; nothing that it may not see is well."""
    done = as_user("nobody", "doctor", "-o", "json", names=ONE)
    assert done.returncode == 3, done.stderr
    rows = json.loads(done.stdout)
    grades = {(row["subject"], row["name"]): row["grade"] for row in rows}
    assert grades["permissions", "doctor"] == "look"
    assert grades["topics", "configuration"] == "unknown"
    assert not {row["subject"] for row in rows if row["grade"] == "ok"} & {"topics", "transactions", "record-times"}
    assert f"denies DESCRIBE on topic {topics}accountentry to User:nobody" in done.stdout


@contextmanager
def running(config: Path, log: Path, *arguments: str) -> Iterator[Callable[[], str]]:
    """A stage while it runs; what it has said so far."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            [str(COMMAND), "--config", str(config), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=environment(),
        )
    try:
        yield lambda: f"{log.read_text(encoding='utf-8')}\n{process.poll()}"
    finally:
        process.terminate()  # it says goodbye where it may: no test after this one takes it for one that hangs
        try:
            process.wait(15)
        finally:
            process.kill()


def test_a_stage_waits_for_a_right_also_in_the_middle(secured: Secured, topics: str, tmp_path: Path) -> None:
    """Without rights it waits; granted, it runs; revoked on its input it waits again; on heartbeats it goes on."""
    dc1 = secured.clusters["dc1"]
    config = configured(secured, topics, tmp_path, "late", ONE)
    with running(config, tmp_path / "log", "-v", "run", "alerting") as said:
        assert wait_until(lambda: "to User:late. Waiting for it." in said(), SECONDS, every=0.2), said()
        grant(secured, topics, "late", "run alerting", names=ONE)
        assert wait_until(lambda: group_members(secured, topics) == 1, SECONDS, every=0.5), said()
        dc1.revoke("late", "WRITE", "topic", f"{topics}kafkalert.status")
        denied = f"denies WRITE on topic {topics}kafkalert.status to User:late"
        assert wait_until(lambda: denied in said(), SECONDS, every=0.2), said()
        assert group_members(secured, topics) == 1
        before = len(said())
        dc1.revoke("late", "READ", "topic", f"{topics}accountentry")
        # READ is DESCRIBE, too: whichever the stage asks for first is denied.
        denied = f"denies (READ|DESCRIBE) on topic {re.escape(topics)}accountentry to User:late"
        assert wait_until(lambda: re.search(denied, said()[before:]) is not None, SECONDS, every=0.2), said()
        assert said().endswith("None")


def test_a_bridge_waits_for_a_right_that_is_revoked_in_the_middle(
    secured: Secured, topics: str, tmp_path: Path
) -> None:
    """What it could not write meanwhile arrives once it may again."""
    dc1, lines = secured.clusters["dc1"], tmp_path / "entries.ndjson"
    topic = f"{topics}accountentry"
    entries = [debit("NL01", f"bridged-{number}") for number in range(3)]
    lines.write_text(json.dumps(entries[0]) + "\n", encoding="utf-8")
    config = configured(secured, topics, tmp_path, "bridging", ONE)
    grant(secured, topics, "bridging", "run bridge", names=ONE)

    def there() -> int:
        places = Places(dc1.known())
        return sum(places.ends(places.partitions([topic])).values())

    before = there()
    with running(config, tmp_path / "log", "-v", "run", "bridge", "--follow", "--from", str(lines)) as said:
        assert wait_until(lambda: there() == before + 1, SECONDS, every=0.5), said()
        dc1.revoke("bridging", "WRITE", "topic", topic)
        with lines.open("a", encoding="utf-8") as more:
            more.write(json.dumps(entries[1]) + "\n")
        denied = f"denies WRITE on topic {topic} to User:bridging. Waiting for it."
        assert wait_until(lambda: denied in said(), SECONDS, every=0.2), said()
        with lines.open("a", encoding="utf-8") as more:
            more.write(json.dumps(entries[2]) + "\n")
        grant(secured, topics, "bridging", "run bridge", names=ONE)
        assert wait_until(lambda: there() >= before + 3, SECONDS, every=0.5), said()
        assert said().endswith("None")


def group_members(secured: Secured, prefix: str, cluster: str = "dc1") -> int:
    """How many are in the group of alerting on a cluster."""
    group = f"{prefix}kafkalert.alerting"
    client = secured.clusters[cluster].admin()  # held: its answers come only while it lives
    told = client.describe_consumer_groups([group], request_timeout=5)[group]
    try:
        return len(told.result(6).members)
    except Exception:  # noqa: BLE001 - no such group yet
        return 0


MISSING = [
    ("READ", "topic", "bank.accountentry", "DESCRIBE on topic bank.accountentry"),
    ("READ", "group", "bank.kafkalert.alerting", "DESCRIBE on group bank.kafkalert.alerting"),
    ("WRITE", "topic", "bank.kafkalert.control", "WRITE on topic bank.kafkalert.control"),
]
"""Rights of who switches, and what is said where one is taken away. An ACL of READ is one of DESCRIBE, too."""


@pytest.fixture(scope="module")
def pipeline(secured: Secured, topics: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Alerting on both, flows between them, and the examples processed; what alerting has said so far.

    Each user has what docs/security.md says and no more.
    """
    folder = tmp_path_factory.mktemp("pipeline")
    for user, who in USERS.items():
        grant(secured, topics, user, *who)
    examples = Path(__file__).parents[3] / "examples"
    with secured.mirrored("flow", topics):
        for user, arguments in [
            ("flow", ["mirror", "apply", "--yes"]),
            ("source", ["seed", "authorisations", str(examples / "authorisations.ndjson"), "--yes"]),
            ("source", ["seed", "settings", str(examples / "settings.ndjson"), "--yes"]),
        ]:
            done = command(configured(secured, topics, folder, user, TWO), *arguments)
            assert done.returncode == 0, done.stderr
        config = configured(secured, topics, folder, "stage", TWO)
        with running(config, folder / "log", "-v", "run", "alerting") as said:
            assert wait_until(lambda: group_members(secured, topics) == 1, SECONDS, every=0.5), said()
            config = configured(secured, topics, folder, "source", TWO)
            done = command(config, "run", "bridge", "--from", str(examples / "entries.ndjson"))
            assert done.returncode == 0, done.stderr
            yield said


USERS = {
    "flow": ("Connect workers", "mirror apply"),
    "stage": ("run alerting",),
    "source": ("run bridge", "seed settings", "seed authorisations"),
    "ops": ("failover --to",),
    "driller": ("failover drill",),
    "carrier": ("failover reconcile",),
    "looker": ("mirror status",),
    "watcher": ("status",),
    "counter": ("lag",),
}


def test_lag_is_seen_with_least_privilege(
    secured: Secured, as_user: Callable[..., Done], pipeline: Callable[[], str]
) -> None:
    """All is read; without the right to see commits it says what it cannot tell."""
    assert wait_until(lambda: as_user("counter", "lag").returncode == 0, SECONDS), pipeline()
    done = as_user("counter", "lag", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)
    assert sum(one["committed"] or 0 for one in rows) > 0
    assert {(one["records"], one["counted"]) for one in rows} == {(0, True)}
    for name in TWO:
        secured.clusters[name].revoke("counter", "READ", "topic", "__consumer_offsets")
    done = as_user("counter", "lag")
    assert "denies DESCRIBE on topic __consumer_offsets to User:counter. So a group" in done.stderr
    assert done.returncode == 0


def test_a_planned_switch_with_least_privilege(
    secured: Secured, topics: str, as_user: Callable[..., Done], pipeline: Callable[[], str]
) -> None:
    """Without one of the operator's rights it is named."""
    for operation, kind, name, words in MISSING:
        secured.clusters["dc1"].revoke("ops", operation, kind, name)
        done = as_user("ops", "failover", "--to", "dc2", "--yes")
        assert f"Cluster dc1 denies {words} to User:ops." in done.stderr, done.stderr
        assert done.returncode == 5, done.stderr
        secured.clusters["dc1"].grant("ops", [(operation, kind, name)])
    done = as_user("ops", "failover", "--to", "dc2", "--yes", "-o", "json")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{pipeline()}"
    told = json.loads(done.stdout)
    assert (told["outcome"], told["active"], told["missing"]) == ("switched", "dc2", [])
    assert wait_until(lambda: group_members(secured, topics, "dc2") == 1, SECONDS, every=0.5), pipeline()


def test_a_drill_with_least_privilege(
    secured: Secured, topics: str, as_user: Callable[..., Done], pipeline: Callable[[], str]
) -> None:
    """There and back, with its canaries alerted; without the right to write a table nothing begins."""
    table = f"{topics}accounttocustomerids"
    for name in TWO:
        secured.clusters[name].revoke("driller", "WRITE", "topic", table)
    done = as_user("driller", "failover", "drill", "--yes")
    assert f"denies WRITE on topic {table} to User:driller." in done.stderr, done.stderr
    assert done.returncode == 5, done.stderr
    for name in TWO:
        secured.clusters[name].grant("driller", [("WRITE", "topic", table)])
    done = as_user("driller", "failover", "drill", "--yes", "-o", "json")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{pipeline()}"
    assert json.loads(done.stdout)["verdict"] == "OK"


def test_the_mirror_is_seen_with_least_privilege(
    secured: Secured, topics: str, as_user: Callable[..., Done], pipeline: Callable[[], str]
) -> None:
    """Both flows run, and how far they are is known; without the right to read a topic the lag is not known.

    Who may call `status` sees all that there is to see.
    """
    status = json.loads(as_user("watcher", "status", "-o", "json").stdout)
    assert [one["text"] for one in status["findings"] if one["grade"] in {"bad", "unknown"}] == [], pipeline()
    assert {one["health"]["offline"] for one in status["clusters"]} == {0}
    done = as_user("looker", "mirror", "status", "-o", "json")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{pipeline()}"
    seen = [(one["state"], one["lag_records"], one["lag_reason"]) for one in json.loads(done.stdout)]
    assert seen == [("running", 0, "")] * 2
    secured.clusters["dc1"].revoke("looker", "READ", "topic", f"{topics}accountentry")
    done = as_user("looker", "mirror", "status", "-o", "json")
    unknown = next(one for one in json.loads(done.stdout) if one["source"] == "dc1")
    assert (unknown["lag_records"], unknown["denied"], done.returncode) == (None, True, 5), done.stderr
    assert f"denies DESCRIBE on topic {topics}accountentry to User:looker" in unknown["lag_reason"]


def test_a_return_with_least_privilege(
    secured: Secured, topics: str, as_user: Callable[..., Done], pipeline: Callable[[], str], tmp_path: Path
) -> None:
    """What is stranded on the passive cluster is carried to the active one."""
    active = json.loads(as_user("ops", "failover", "-o", "json").stdout)["active"]
    (passive,) = {*TWO} - {active}
    flow = next(one for one in flows(secured.settings("flow", topics)) if one.source == passive)
    worker = Connect(secured.settings("flow", topics).clusters[active])
    worker.stop(flow.connector)
    assert wait_until(lambda: not getattr(worker.status(flow.connector), "tasks", ()), SECONDS, every=0.1)
    denied = as_user("nobody", "mirror", "apply", "--resume", "--yes")
    assert (unsaid(denied), denied.returncode) == ([], 5), denied.stderr
    lines = tmp_path / "stranded.ndjson"
    lines.write_text(json.dumps(debit("NL01", "stranded")) + "\n", encoding="utf-8")
    config = configured(secured, topics, tmp_path, "source", (passive,))
    assert command(config, "run", "bridge", "--from", str(lines)).returncode == 0
    done = as_user("carrier", "failover", "reconcile", "--from", passive, "--yes", "-o", "json")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{pipeline()}"
    told = json.loads(done.stdout)
    assert (told["outcome"], told["carried"]) == ("reconciled", 1)
