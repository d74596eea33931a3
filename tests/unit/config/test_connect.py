"""`connect` of a cluster: the workers beside it, how they are reached, and what may be wrong with that."""

from pathlib import Path

import pytest

from kafkalert.config.loading.load import load, read
from kafkalert.config.loading.report import ProblemsError
from kafkalert.config.loading.show import in_force
from kafkalert.config.secrets import Reference

TWO = '[clusters.dc1]\nbootstrap = "a:1"\n[clusters.dc2]\nbootstrap = "b:1"\n'
OTHER = "[clusters.x]\nbootstrap = 'x:1'\nconnect = 'http://w:1/'"
PASSWORD = "me:correct horse"  # noqa: S105 - a password to look for in messages


def write(folder: Path, text: str) -> Path:
    path = folder / "kafkalert.toml"
    path.write_text(text)
    return path


def test_workers_are_named_and_a_secret_is_hidden(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`config show` has the URLs and where the secret stands; the file of certificates stands beside kafkalert.toml."""
    monkeypatch.setenv("AUTH", PASSWORD)
    text = "connect = 'https://w1:8083, https://w2:8083/dc2'\nconnect_auth = {env = 'AUTH'}\nconnect_ca = 'ca.pem'\n"
    (clean / "etc").mkdir()
    loaded = read(write(clean / "etc", TWO + text))
    cluster = loaded.settings.clusters["dc2"]
    assert cluster.workers == ("https://w1:8083", "https://w2:8083/dc2")
    assert cluster.connect_auth is not None
    assert cluster.connect_auth.get_secret_value() == PASSWORD
    assert cluster.connect_ca == clean / "etc/ca.pem"
    assert loaded.settings.clusters["dc1"].workers == ()
    shown = {row.key: row.value for row in in_force(loaded)}
    assert shown["clusters.dc2.connect"] == "https://w1:8083, https://w2:8083/dc2"
    assert shown["clusters.dc2.connect_auth"] == "*** (variable AUTH)"
    assert PASSWORD not in str(shown) + repr(cluster)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connect = 'w:8083'", "5: clusters.dc2.connect should be http://HOST:PORT or https://HOST:PORT"),
        ("connect = 'http://w:8083,ftp://w:1'", "5: clusters.dc2.connect should be http://HOST:PORT"),
        ("connect = 'http://w:99999'", "5: clusters.dc2.connect should be http://HOST:PORT"),
        ("connect = 'http://me:secret@w:8083'", "5: clusters.dc2.connect should hold no credentials; they are"),
        ("connect = 3", "5: clusters.dc2.connect should be a valid string."),
        ("conect = 'http://w:8083'", "5: clusters.dc2.conect is not a known key. Did you mean connect?"),
        ("connect_ca = 'ca.pem'", "5: clusters.dc2.connect_ca is of no use without connect"),
        ("connect = 'http://w:1'\nconnect_auth = 'me:secret'", "6: clusters.dc2.connect_auth is a secret"),
        ("connect = 'http://w:1'\nconnect_auth = {env = 'BARE'}", "6: clusters.dc2.connect_auth should be user:pass"),
        (
            "connect = 'http://w:1'\n[contexts.t]\nclusters = ['dc2']\n" + OTHER,
            "10: clusters.x.connect names a worker of dc2; each cluster has its own beside it.",
        ),
        ("[mirror]\nrefresh = '500ms'", "6: mirror.refresh should be greater than or equal to 1 second."),
        ("[mirror]\ntask = 3", "6: mirror.task is not a known key. Did you mean tasks?"),
    ],
)
def test_each_mistake_has_its_place_and_its_sentence(
    clean: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    """One mistake, one problem, and no secret in it."""
    monkeypatch.setenv("BARE", "secret")
    with pytest.raises(ProblemsError) as caught:
        load(write(clean, TWO + text))
    (problem,) = caught.value.problems
    assert expected in str(problem)
    assert "secret@" not in str(problem)
    assert "secret." not in str(problem).replace("is a secret", "")


def test_the_secret_of_another_environment_need_not_be_there(clean: Path) -> None:
    text = "connect = 'http://w:1'\nconnect_auth = {env = 'ABSENT'}\n[contexts.test]\nclusters = ['dc1']\n"
    assert list(load(write(clean, TWO + text)).clusters) == ["dc1"]


def test_where_a_value_was_read_is_known_whoever_gave_it(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference, or a variable of ours; a file by its absolute path, wherever the command runs."""
    (clean / "secret").write_text("x")
    (clean / "secret").chmod(0o600)
    monkeypatch.setenv("KAFKALERT_CLUSTERS__DC1__KAFKA__SASL_PASSWORD", "x")
    loaded = read(write(clean, TWO + "[clusters.dc2.kafka]\nsasl.password = {file = 'secret'}\nclient.id = 'c'\n"))
    by_file, by_variable = (loaded.reference(f"clusters.{name}.kafka.sasl.password") for name in ("dc2", "dc1"))
    assert by_file == Reference("file", str(clean / "secret"), "secret")
    assert str(by_file) == "file secret"
    assert by_variable == Reference("env", "KAFKALERT_CLUSTERS__DC1__KAFKA__SASL_PASSWORD")
    assert loaded.reference("clusters.dc2.kafka.client.id") is None
