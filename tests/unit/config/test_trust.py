"""What a file that nobody named, and variables, may not do."""

import os
from pathlib import Path

import pytest

from kafkalert.config.loading.find import find
from kafkalert.config.loading.load import load, read
from kafkalert.config.loading.trust import loosens
from kafkalert.config.properties import refusal
from kafkalert.config.user import name, state_folder
from kafkalert.errors import ConfigError

ONE = '[clusters.dc1]\nbootstrap = "127.0.0.1:9092"\n'
NOBODY = 65534


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a configuration, and no other one."""
    for variable in [one for one in os.environ if one.startswith("KAFKALERT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "kafkalert.toml"
    file.write_text(ONE)
    file.chmod(0o644)
    return file


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o664])
def test_a_file_of_ones_own_is_used(here: Path, mode: int) -> None:
    """Also where the group may write it that is one's own, as where every user has a group alone."""
    here.chmod(mode)
    assert load().clusters.keys() == {"dc1"}


@pytest.mark.parametrize("mode", [0o666, 0o646])
def test_a_file_that_others_may_change_is_refused_unless_it_is_named(here: Path, mode: int) -> None:
    here.chmod(mode)
    with pytest.raises(ConfigError, match=r"kafkalert\.toml was found in passing, and can be changed by other users"):
        load()
    assert load(here).clusters.keys() == {"dc1"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused_unless_it_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(here, NOBODY, 0)
    with pytest.raises(ConfigError, match="belongs to another user"):
        load()
    monkeypatch.setenv("KAFKALERT_CONFIG", str(here))
    assert load().clusters.keys() == {"dc1"}
    monkeypatch.delenv("KAFKALERT_CONFIG")
    os.chown(here, os.getuid(), NOBODY)
    here.chmod(0o664)
    with pytest.raises(ConfigError, match="can be changed by other users"):
        load()


def test_a_secret_from_far_away_is_told(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file found in passing sends no secret of somebody's home away unseen; one in its own folder is its own."""
    secret = tmp_path_factory.mktemp("home") / "password"
    for file in (secret, here.parent / "near"):
        file.write_text("x")
        file.chmod(0o600)
    property_ = "[clusters.dc1.kafka]\nsasl.password = "
    here.write_text(f"{ONE}{property_}{{file = '{secret}'}}\n")
    (note,) = read().notes
    assert f"sends the secret in {secret}" in note
    assert read(here).notes == ()
    here.write_text(f"{ONE}{property_}{{file = 'near'}}\n")
    assert read().notes == ()


@pytest.mark.parametrize(
    ("variable", "value", "refused"),
    [
        ("PRODUCTION", "false", True),
        ("PRODUCTION", "0", True),
        ("PRODUCTION", "true", False),
        ("READ_ONLY", "no", True),
        ("UNMASK", "true", True),
        ("UNMASK", "false", False),
        ("PREFIX", "x", False),
    ],
)
def test_a_variable_takes_no_guard_away(
    here: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, *, refused: bool
) -> None:
    """It may add one."""
    monkeypatch.setenv("KEY", "a key of the bank's own")
    guarded = "[contexts.p]\nclusters = ['dc1']\nproduction = true\nread_only = true\n"
    here.write_text(f"{ONE}{guarded}[alerts]\nid_key = {{env = 'KEY'}}\n")
    monkeypatch.setenv(f"KAFKALERT_CONTEXTS__P__{variable}", value)
    if refused:
        with pytest.raises(ConfigError, match="no variable takes it away"):
            load()
    else:
        context = load().context
        assert (context.production, context.read_only, context.unmask) == (True, True, False)


def test_a_whole_context_in_a_variable_takes_no_guard_away_either() -> None:
    raw = {"contexts": {"p": {"production": True}}}
    assert loosens(raw, ("contexts", "p"), {"clusters": ["dc1"]})
    assert not loosens(raw, ("contexts", "p"), {"clusters": ["dc1"], "production": True})
    assert not loosens(raw, ("contexts", "q"), {"clusters": ["dc1"]})


def test_who_somebody_is_no_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ceo")
    monkeypatch.setenv("USER", "ceo")
    assert name() != "ceo"
    monkeypatch.setattr(os, "getuid", lambda: 1_000_660_000)
    assert name() == "uid-1000660000"


def test_a_uid_without_name_and_home_finds_what_is_here(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as any uid."""
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 1_000_660_000)
    assert state_folder() is None
    found = find()
    assert found is not None
    assert found.path.absolute() == here
    here.unlink()
    assert find() is None


@pytest.mark.parametrize(
    "property_",
    ["ssl.engine.location", "ssl.engine.id", "ssl.providers", "sasl.kerberos.kinit.cmd", "plugin.library.paths"],
)
def test_no_property_runs_code_of_others(property_: str) -> None:
    assert refusal(property_).startswith("cannot be set")
