"""Fixtures of the unit tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and an environment that says nothing about kafkalert."""
    for name in list(os.environ):
        if name.startswith(("KAFKALERT_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
