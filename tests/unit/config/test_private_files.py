"""Folders and files that kafkalert keeps for itself."""

import os
import stat
from pathlib import Path

import pytest

from kafkalert.config.private_files import own_file, own_folder
from kafkalert.errors import ConfigError
from kafkalert.tables.store import Store

NOBODY = 65534


def mode(path: Path) -> int:
    """Who may do what with it."""
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_or_was_open_to_others_is_closed(tmp_path: Path) -> None:
    made, open_ = tmp_path / "a/b", tmp_path / "open"
    open_.mkdir()
    open_.chmod(0o777)
    assert (mode(own_folder(made)), mode(own_folder(open_))) == (0o700, 0o700)
    file = open_ / "file"
    file.write_text("kept")
    file.chmod(0o666)
    assert (mode(own_file(file)), mode(own_file(open_ / "new"))) == (0o600, 0o600)
    assert file.read_text() == "kept"


def test_no_link_is_followed(tmp_path: Path) -> None:
    """What it leads to is left as it is."""
    target, folder = tmp_path / "target", tmp_path / "folder"
    target.write_text("precious")
    target.chmod(0o644)
    folder.mkdir()
    (tmp_path / "to-file").symlink_to(target)
    (tmp_path / "to-folder").symlink_to(folder)
    with pytest.raises(ConfigError, match="is a link; kafkalert leaves it alone"):
        own_file(tmp_path / "to-file")
    with pytest.raises(ConfigError, match="is a link"):
        own_folder(tmp_path / "to-folder")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="is not a file"):
        own_file(tmp_path / "pipe")
    assert (target.read_text(), mode(target)) == ("precious", 0o644)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_another_user_owns_is_left_alone(tmp_path: Path) -> None:
    os.chown(own_folder(tmp_path / "theirs"), NOBODY, NOBODY)
    os.chown(own_file(tmp_path / "file"), NOBODY, NOBODY)
    with pytest.raises(ConfigError, match="belongs to another user"):
        own_folder(tmp_path / "theirs")
    with pytest.raises(ConfigError, match="belongs to another user"):
        own_file(tmp_path / "file")


@pytest.mark.parametrize("name", ["boot", "open.lock", "users.lock", "follower.lock", "tables"])
def test_tables_follow_no_link(tmp_path: Path, name: str) -> None:
    state, target = tmp_path / "state", tmp_path / "target"
    state.mkdir()
    target.mkdir() if name == "tables" else target.write_text("precious")
    (state / name).symlink_to(target)
    with pytest.raises(ConfigError, match="is a link"):
        Store(state, size=1 << 20, flavour=b"")
    assert target.is_dir() or target.read_text() == "precious"
