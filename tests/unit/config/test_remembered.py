"""The context that a user chose for a file: kept for him alone, believed only where nobody else can have written it."""

import os
from pathlib import Path

import pytest

from kafkalert.config.loading.remembered import remember, remembered
from kafkalert.errors import ConfigError, KafkalertError

KEPT = Path("home/.local/state/kafkalert/contexts.json")
FILE = Path("kafkalert.toml")
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of other users")


@pytest.mark.usefixtures("clean")
def test_choices_of_several_files_do_not_mix() -> None:
    other = Path("elsewhere/kafkalert.toml")
    assert remembered(FILE) is None
    assert remember(FILE, "one")
    assert remember(other, "two")
    assert (remembered(FILE), remembered(FILE.absolute()), remembered(other)) == ("one", "one", "two")
    assert remember(FILE, None)
    assert not remember(FILE, None)
    assert (remembered(FILE), remembered(other)) == (None, "two")


def test_what_others_may_write_is_refused(clean: Path) -> None:
    """It would choose the environment of the next command."""
    remember(FILE, "one")
    (clean / KEPT).chmod(0o666)
    with pytest.raises(ConfigError, match="can be changed by other users"):
        remembered(FILE)


@as_root
def test_what_somebody_else_put_there_is_refused(clean: Path) -> None:
    remember(FILE, "one")
    os.chown(clean / KEPT, NOBODY, NOBODY)
    with pytest.raises(ConfigError, match="belongs to another user"):
        remembered(FILE)


def test_a_link_is_not_followed(clean: Path) -> None:
    remember(FILE, "one")
    (clean / KEPT).rename(clean / "moved")
    (clean / KEPT).symlink_to(clean / "moved")
    with pytest.raises(ConfigError, match="is a link"):
        remembered(FILE)


def test_where_there_is_no_way_to_a_home_nothing_was_chosen(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a service whose home is closed to it: it works by flag, variable and file."""
    (clean / "closed").write_text("a file where a folder is looked for")
    monkeypatch.setenv("HOME", str(clean / "closed"))
    assert remembered(FILE) is None
    with pytest.raises(KafkalertError, match="cannot be kept"):
        remember(FILE, "one")
