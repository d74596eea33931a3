"""kafkalert.toml and the environment become Settings, or every problem is named."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from kafkalert.config.loading.find import find
from kafkalert.config.loading.load import load, read
from kafkalert.config.loading.report import ProblemsError
from kafkalert.config.sections import DEVELOPMENT_KEY, Settings
from kafkalert.errors import ConfigError

ONE = '[clusters.dc1]\nbootstrap = "127.0.0.1:9092"\n'
PASSWORD = "correct horse battery staple"  # noqa: S105 - a password to look for in messages


def write(folder: Path, text: str, name: str = "kafkalert.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def problems(text: str, folder: Path, context: str | None = None) -> list[str]:
    """Each problem of a configuration as it is printed, without the file's name."""
    path = write(folder, text)
    with pytest.raises(ProblemsError) as caught:
        load(path, context)
    return [str(problem).removeprefix(f"{path}:").strip() for problem in caught.value.problems]


def settings(text: str, folder: Path, context: str | None = None) -> Settings:
    return load(write(folder, text), context)


def test_the_file_is_the_first_of_flag_variable_folder_sandbox_and_user(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking the first away each time uncovers the next."""
    user = write(clean, ONE, "home/.config/kafkalert/kafkalert.toml")
    sandbox = write(clean, ONE, ".kafkalert/sandbox.toml")
    here = write(clean, ONE)
    named = write(clean, ONE, "named.toml")
    flag = write(clean, ONE, "flag.toml")
    monkeypatch.setenv("KAFKALERT_CONFIG", str(named))
    found = [find(flag), find()]
    monkeypatch.delenv("KAFKALERT_CONFIG")
    for path in (here, sandbox, user):
        found.append(find())
        path.unlink()
    assert [place.path.resolve() for place in found if place] == [flag, named, here, sandbox, user]
    assert find() is None


def test_the_user_s_folder_may_be_elsewhere(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CONFIG_HOME moves it; a relative one is ignored, as its specification asks."""
    path = write(clean, ONE, "xdg/kafkalert/kafkalert.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(clean / "xdg"))
    place = find()
    assert place is not None
    assert place.path == path
    monkeypatch.setenv("XDG_CONFIG_HOME", "xdg")
    assert find() is None


def test_the_sandbox_s_file_is_used_aloud(clean: Path) -> None:
    write(clean, ONE, ".kafkalert/sandbox.toml")
    said: list[str] = []
    load(note=said.append)
    assert said == ["Using .kafkalert/sandbox.toml, as no other configuration was found."]


def test_without_any_configuration_the_hint_is_how_to_get_one(clean: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration") as caught:
        load()
    assert "kafkalert init" in caught.value.hint
    assert "kafkalert sandbox up" in caught.value.hint
    assert clean.is_dir()


def test_flag_before_variable_before_file_before_default(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each layer gives what the one before leaves open."""
    write(
        clean,
        ONE + "[contexts.a]\nclusters=['dc1']\n[contexts.b]\nclusters=['dc1']\n[engine]\nbatch = 5\nlinger='2ms'\n",
    )
    monkeypatch.setenv("KAFKALERT_CONTEXT", "a")
    monkeypatch.setenv("KAFKALERT_ENGINE__BATCH", "7")
    by_variable, by_flag = load(), load(context="b", read_only=True)
    assert (by_variable.context.name, by_flag.context.name) == ("a", "b")
    assert (by_variable.context.read_only, by_flag.context.read_only) == (False, True)
    assert by_variable.engine.batch == 7
    assert by_variable.engine.linger == timedelta(milliseconds=2)
    assert by_variable.engine.mode == "one-hop"


def test_variables_alone_are_a_configuration(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container needs no file; lists are written as in TOML, properties with underscores."""
    monkeypatch.setenv("KAFKALERT_CLUSTERS__DC1__BOOTSTRAP", "a:1")
    monkeypatch.setenv("KAFKALERT_CLUSTERS__DC2__BOOTSTRAP", "b:1")
    monkeypatch.setenv("KAFKALERT_CLUSTERS__DC1__KAFKA__SASL_PASSWORD", PASSWORD)
    monkeypatch.setenv("KAFKALERT_CONTEXTS__X__CLUSTERS", '["dc2", "dc1"]')
    loaded = load()
    assert loaded.active.bootstrap == "b:1"
    assert loaded.clusters["dc1"].kafka["sasl.password"].get_secret_value() == PASSWORD
    assert list(clean.iterdir()) == []


def test_somebody_else_s_variables_are_passed_over(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes sets KAFKALERT_PORT beside a service called kafkalert; a mistyped table is a problem all the same."""
    write(clean, ONE)
    monkeypatch.setenv("KAFKALERT_PORT", "tcp://10.0.0.1:9092")
    assert load().active.name == "dc1"
    monkeypatch.setenv("KAFKALERT_ENGIN__BATCH", "5")
    with pytest.raises(ProblemsError, match=r"KAFKALERT_ENGIN__BATCH: engin is not a known key. Did you mean engine\?"):
        load()


def test_names_in_variables_keep_the_file_s_case(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(clean, '[clusters.DC1]\nbootstrap = "a:1"\n')
    monkeypatch.setenv("KAFKALERT_CLUSTERS__DC1__BOOTSTRAP", "b:1")
    assert {name: cluster.bootstrap for name, cluster in load().clusters.items()} == {"DC1": "b:1"}


def test_every_problem_is_reported_at_once_with_its_line(clean: Path) -> None:
    """Types, names, references between tables, properties and secrets, in the order of the file."""
    text = """\
context = "prodution"
[clusters.dc1]
bootstrap = "127.0.0.1"
nam = 1
[clusters.dc1.kafka]
acks = 1
sasl.usernam = "x"
[contexts.production]
clusters = ["dc1", "dc9"]
[contexts.test]
clusters = "dc1"
[engine]
mode = "onehop"
batc = 3
commit_interval = 5
batch = 0
[alerts]
id_key = "0123456789abcdef"
[topics.names]
acountentry = "x"
[serde]
framing = "confluent"
[engin]
"""
    assert problems(text, clean) == [
        "1: context names prodution, which is no context; there is production, test. Did you mean production?",
        "3: clusters.dc1.bootstrap should be HOST:PORT, or several of them with commas between.",
        "4: clusters.dc1.nam is not a known key.",
        "6: clusters.dc1.kafka.acks cannot be set: kafkalert sets it, so that no alert is lost or overtakes another.",
        "7: clusters.dc1.kafka.sasl.usernam is not a property of librdkafka. Did you mean sasl.username?",
        "9: contexts.production.clusters names dc9, which is no cluster; there is dc1. Did you mean dc1?",
        '11: contexts.test.clusters should be a list, such as ["dc1", "dc2"].',
        "13: engine.mode should be 'one-hop' or 'two-hop'. Did you mean one-hop?",
        "14: engine.batc is not a known key. Did you mean batch?",
        '15: engine.commit_interval should be a duration, such as "500ms", "30s", "1h30m" or "7d".',
        "16: engine.batch should be greater than or equal to 1.",
        '18: alerts.id_key is a secret, which does not stand in the file. Write {env = "NAME"} or {file = "PATH"}.',
        "20: topics.names.acountentry is no topic of the pipeline. Did you mean accountentry?",
        "21: serde.registry is missing; the framing confluent needs it.",
        "23: engin is not a known key. Did you mean engine?",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[clusters]\n", '1: clusters is missing. Add [clusters.dc1] with bootstrap = "HOST:PORT".'),
        ("clusters = 3\n", "1: clusters should be a table."),
        ("[clusters.dc1]\n", "1: clusters.dc1.bootstrap is missing."),
        ("[clusters]\ndc1 = 3\n", "2: clusters.dc1 should be a table."),
        (ONE + "name = 'x'\n", "3: clusters.dc1.name is not a known key: the table's header gives the name."),
        ('[clusters."a b"]\nbootstrap = "a:1"\n', "1: clusters.a b is a name with other characters than letters"),
        (
            ONE + '[clusters.dc2]\nbootstrap = "x:1, 127.0.0.1:9092"\n',
            "4: clusters.dc2.bootstrap names a broker of dc1",
        ),
        (ONE.replace("9092", "99999"), "2: clusters.dc1.bootstrap should be HOST:PORT"),
        (ONE + "[contexts.a]\nclusters = ['dc1', 'dc1']\n", "4: contexts.a.clusters names a cluster twice."),
        (ONE + "[contexts.a]\nclusters = []\n", "4: contexts.a.clusters should have at least 1 item"),
        (
            ONE + "[contexts.a]\nclusters=['dc1']\n[contexts.b]\nclusters=['dc1']\n",
            "context is missing. Choose one of a, b",
        ),
        (ONE + "[topics.names]\naccountentry = 'a b'\n", "4: topics.names.accountentry should be a topic's name"),
        (
            ONE + "[topics.names]\naccountentry = 'customeralertsettings'\n",
            "4: topics.names.accountentry is the name of customeralertsettings too.",
        ),
        (ONE + "[clusters.dc1.kafka]\ndebug = ['a']\n", "4: clusters.dc1.kafka.debug should be a string, a number"),
        (
            ONE + "[clusters.dc1.kafka]\nlinger.ms = 1\n",
            "4: clusters.dc1.kafka.linger.ms cannot be set here: it is engine.",
        ),
        (ONE + "[clusters.dc1.kafka]\nsasl.password = 'x'\n", "4: clusters.dc1.kafka.sasl.password is a secret"),
        (
            ONE + "[alerts]\nid_key = {env = 'ABSENT'}\n",
            "4: alerts.id_key points at the variable ABSENT, which is not set.",
        ),
        (ONE + "[alerts]\nid_key = {file = 'absent'}\n", "which cannot be read: No such file or directory."),
        (
            ONE + "[clusters.dc1.kafka]\nsecurity.protocol = 'SASL_SLS'\n",
            "4: clusters.dc1.kafka.security.protocol has a value that librdkafka does not take.",
        ),
        (
            ONE + "[clusters.dc1.kafka]\nsocket.timeout.ms = 1\n",
            "4: clusters.dc1.kafka.socket.timeout.ms should be from 10 to 300000.",
        ),
        (ONE + "[alerts]\nid_key = {env = 3}\n", '4: alerts.id_key should be {env = "..."}.'),
        (ONE + "[engine]\nlinger = '6s'\n", "4: engine.linger should be less than or equal to 5 seconds."),
        ("a = 1\nb = \n", "2: the file is no TOML"),
    ],
)
def test_each_mistake_has_its_place_and_its_sentence(clean: Path, text: str, expected: str) -> None:
    """One mistake, one problem: nothing else is reported in its wake."""
    found = problems(text, clean)
    assert len(found) == 1, found
    assert expected in found[0]


def test_a_flag_that_names_no_context_is_a_problem_of_the_flag(clean: Path) -> None:
    assert problems(ONE, clean, context="tset") == [
        "the command line: -C names tset, which is no context; there is default.",
    ]


@pytest.mark.parametrize("content", [None, b"\xff\xfe", "folder"])
def test_a_file_that_cannot_be_read_is_said(clean: Path, content: bytes | str | None) -> None:
    """Absent, not UTF-8, or a folder: a ConfigError that names the file."""
    path = clean / "k.toml"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"k\.toml") as caught:
        load(path)
    assert caught.value.hint


def test_without_contexts_there_is_one_of_all_clusters(clean: Path) -> None:
    loaded = settings(ONE + '[clusters.dc2]\nbootstrap = "127.0.0.1:9192"\n', clean)
    assert (loaded.context.name, loaded.context.clusters) == ("default", ("dc1", "dc2"))
    assert loaded.active.name == "dc1"


def test_properties_may_be_quoted_or_not(clean: Path) -> None:
    """A dotted name is a table in a table for TOML; here it is one property, and every value is a string."""
    text = ONE + '[clusters.dc1.kafka]\nsocket.keepalive.enable = true\n"socket.timeout.ms" = 1000\nclient.id = "me"\n'
    kafka = settings(text, clean).clusters["dc1"].kafka
    assert {name: value.get_secret_value() for name, value in kafka.items()} == {
        "socket.keepalive.enable": "true",
        "socket.timeout.ms": "1000",
        "client.id": "me",
    }


def test_secrets_come_from_variables_and_files(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative file is looked for beside kafkalert.toml, wherever the command runs; its newline is no part of it."""
    folder = clean / "etc"
    secret = write(folder, PASSWORD + "\n", "password")
    secret.chmod(stat.S_IRUSR)
    monkeypatch.setenv("ID_KEY", "0123456789abcdef")
    text = ONE + "[clusters.dc1.kafka]\nsasl.password = {file = 'password'}\n[alerts]\nid_key = {env = 'ID_KEY'}\n"
    loaded = read(write(folder, text))
    assert loaded.settings.active.kafka["sasl.password"].get_secret_value() == PASSWORD
    assert loaded.settings.alerts.id_key.get_secret_value() == b"0123456789abcdef"
    assert loaded.notes == ()


def test_a_secret_that_others_may_read_is_warned_about(clean: Path) -> None:
    write(clean, "0123456789abcdef", "key").chmod(0o644)
    loaded = read(write(clean, ONE + "[alerts]\nid_key = {file = 'key'}\n"))
    assert ["chmod 600" in note for note in loaded.notes] == [True]


def test_secrets_of_other_environments_need_not_be_there(clean: Path) -> None:
    """A developer's machine has no production password, and needs none for the test context."""
    text = (
        ONE
        + '[clusters.prod]\nbootstrap = "p:1"\nkafka.sasl.password = {env = "ABSENT"}\n'
        + '[contexts.test]\nclusters = ["dc1"]\n[contexts.production]\nclusters = ["prod"]\n'
    )
    assert list(settings(text, clean, "test").clusters) == ["dc1"]
    assert "ABSENT" in problems(text, clean, "production")[0]


def test_no_message_holds_a_secret(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a secret is wrong, written into the file or too short, the report names its place and not the secret."""
    monkeypatch.setenv("SHORT", "shortsecret")
    text = ONE + f"[clusters.dc1.kafka]\nsasl.password = '{PASSWORD}'\n[alerts]\nid_key = {{env = 'SHORT'}}\n"
    found = problems(text + f"[serde]\nregistry_auth = '{PASSWORD}'\n", clean)
    assert len(found) == 3
    assert PASSWORD not in "".join(found)
    assert "shortsecret" not in "".join(found)


def test_the_public_key_is_refused_in_production(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is written out; elsewhere it is good enough."""
    text = ONE + "[contexts.p]\nclusters = ['dc1']\nproduction = true\n"
    (problem,) = problems(text, clean)
    assert "alerts.id_key is the public development key" in problem
    monkeypatch.setenv("KEY", DEVELOPMENT_KEY.decode())
    assert problems(text + "[alerts]\nid_key = {env = 'KEY'}\n", clean)
    monkeypatch.setenv("KEY", "a key of the bank's own")
    assert read(write(clean, text + "[alerts]\nid_key = {env = 'KEY'}\n")).settings.context.production
    assert read(write(clean, text.replace("true", "false"))).settings.context.name == "p"


def test_a_folder_in_the_file_starts_where_the_file_stands(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default and a variable start at the working folder, as every path of a command line."""
    path = write(clean / "etc", ONE + "[engine]\nstate = 'tables'\n")
    assert load(path).engine.state == clean / "etc/tables"
    monkeypatch.setenv("KAFKALERT_ENGINE__STATE", "mine")
    assert load(path).engine.state == Path("mine")


@pytest.mark.parametrize("name", ["production", "read_only", "unmask"])
@pytest.mark.parametrize("value", ['"yes"', '"no"', '"on"', "1", '""'])
def test_a_guard_is_true_or_false_and_never_guessed(clean: Path, name: str, value: str) -> None:
    """A text that happens to mean yes in one language, or no in another, was taken without a word."""
    found = problems(f'{ONE}[contexts.a]\nclusters = ["dc1"]\n{name} = {value}\n', clean)
    assert found == [f"5: contexts.a.{name} should be true or false, without quotes."]


def test_a_variable_can_say_true_and_false(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKALERT_CONTEXTS__A__READ_ONLY", "true")
    assert settings(f'{ONE}[contexts.a]\nclusters = ["dc1"]\n', clean).context.read_only is True


@pytest.mark.parametrize(
    ("variable", "value"),
    [("KAFKALERT_CLUSTERS__DC1__KAFKA__CLIENT_ID", "n\udcf6pe"), ("KAFKALERT_TOPICS__NAMES__ACCOUNTENTRY", "\udcf6")],
)
def test_a_variable_that_is_no_text_is_named(
    clean: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Before a client library meets it."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ProblemsError, match=f"{variable}: .* should be text"):
        load(write(clean, ONE))


def test_a_nul_is_no_text(clean: Path) -> None:
    (found,) = problems(f'{ONE}[clusters.dc1.kafka]\n"client.id" = "a\\u0000b"\n', clean)
    assert found.endswith("should be text: it holds bytes that are none.")


def test_a_registrys_address_holds_no_password(clean: Path) -> None:
    """`config show` would print it."""
    (problem,) = problems(ONE + "[serde]\nregistry = 'https://user:password@registry.example.org'\n", clean)
    assert problem.endswith("serde.registry should hold no credentials; they are registry_auth.")


def test_a_folder_that_is_closed_to_this_user_is_said(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody else's sandbox of mode 0700 in the working folder."""
    assert clean.exists()

    def closed(path: Path) -> bool:
        if path.parent.name == ".kafkalert":
            raise PermissionError(13, "Permission denied")
        return False

    monkeypatch.setattr(Path, "is_file", closed)
    with pytest.raises(ConfigError, match=r"may not look into the folder .kafkalert") as refused:
        find()
    assert "--config" in refused.value.hint
