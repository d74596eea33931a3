"""`kafkalert lag` by the installed command: what it writes, when it ends, and with which status."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kafkalert.bus.clients import producer
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.sandbox.local import Sandbox
from tests.support.groups import put
from tests.support.tailing import ENTRIES, SECONDS, Board

Run = Callable[..., CompletedProcess[str]]
KEYS = (
    "group topic partition verdict lag records counted seconds_behind rate_in rate_out catch_up_seconds trend committed"
    " start end gone why"
)
SNAPSHOT = "version at cluster seconds verdict groups partitions problem"
GROUP = "group members verdict lag records counted seconds_behind rate_in rate_out catch_up_seconds"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["alerting", "2"], "The seconds between two looks need -w."),
        (["-w", "0.1"], "0.1 is out of range: from 0.5 s to 3600 s."),
        (["-w", "alerting", "soon"], '"soon" is no duration'),
        (["-w", "--seconds", "3"], "--seconds does not go with -w"),
        (["-w", "-o", "tsv"], "-w writes no tsv."),
        (["--seconds", "0"], "0 is out of range"),
        (["--cluster", "dc9"], "There is no cluster dc9 in this context."),
    ],
)
def test_wrong_usage_is_said_before_anything_is_asked(
    kafkalert: Run, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n', encoding="utf-8")
    done = kafkalert("lag", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("words", [["-w"], ["-o", "json"]])
def test_nobody_there_is_status_4(kafkalert: Run, tmp_path: Path, words: list[str]) -> None:
    """Also with -w, which says so at once."""
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n', encoding="utf-8")
    done = kafkalert("lag", *words)
    assert (done.returncode, done.stdout) == (4, "")
    assert "dc1 (127.0.0.1:1)" in done.stderr


@pytest.fixture
def board(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Board:
    """An entry that alerting has read, in one partition of two."""
    (tmp_path / "kafkalert.toml").write_text(
        f'[clusters.dc1]\nbootstrap = "{sandbox1.bootstrap()}"\n'
        f'[contexts.a]\nclusters = ["dc1"]\nprefix = "{prefix}"\n',
        encoding="utf-8",
    )
    one = Board(sandbox1.bootstrap(), prefix)
    one.make(ENTRIES, partitions=2)
    book(one)
    commit(one, 1)
    return one


def book(board: Board) -> None:
    """Write an entry."""
    writer = producer(board.cluster)
    writer.produce(board.settings.topic(ENTRIES), b"", b"", 0)
    assert writer.flush(SECONDS) == 0


def commit(board: Board, offset: int) -> None:
    """Say how far alerting is."""
    place = (board.settings.topic(ENTRIES), 0)
    put(Groups(board.settings, board.cluster), board.settings.group("alerting"), {place: offset})


@pytest.mark.one_cluster
def test_a_look(board: Board, kafkalert: Run) -> None:
    """Nothing waits: a sentence and 0. An entry waits that nobody reads: 3, and where it is."""
    done = kafkalert("lag")
    assert (done.returncode, done.stderr) == (0, "Nothing waits.\n")
    head, row = done.stdout.splitlines()
    assert head.split()[:3] == ["verdict", "group", "members"]
    assert row.split()[:3] == ["OK", board.settings.group("alerting"), "0"]
    rows = json.loads(kafkalert("lag", "-o", "json").stdout)
    assert {" ".join(one) for one in rows} == {KEYS}
    assert [(one["partition"], one["committed"], one["lag"], one["records"]) for one in rows] == [
        (0, 1, 0, 0),
        (1, None, None, 0),
    ]
    book(board)
    done = kafkalert("lag", "alerting", "--seconds", "1")
    assert (done.returncode, done.stderr) == (3, "")
    _, group, _, partition = done.stdout.splitlines()
    assert group.split()[0] == partition.split()[0] == "STOPPED"
    assert partition.split()[2:6] == [board.settings.topic(ENTRIES), "0", "1", "1"]
    table = kafkalert("lag", "--seconds", "1", "-o", "tsv")
    assert [line.split("\t")[0] for line in table.stdout.splitlines()] == ["verdict", "STOPPED", "OK"]


@contextmanager
def watching(tmp_path: Path, environment: dict[str, str], *words: str) -> Iterator["subprocess.Popen[str]"]:
    """`kafkalert lag -w` in a pipe; it ends with 0 at ctrl-c."""
    command = ["kafkalert", "lag", "-w", "0.5", *words]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
        finally:
            process.kill()


@pytest.mark.one_cluster
def test_changes_are_told_in_lines(board: Board, tmp_path: Path, environment: dict[str, str]) -> None:
    """One at first, and one when the verdict is another one."""
    with watching(tmp_path, environment) as process:
        assert process.stdout is not None
        assert f"{board.settings.group('alerting')}: OK, nothing waits\n" in process.stdout.readline()
        commit(board, 0)
        told = process.stdout.readline()
        assert ": REWOUND, 1 record waits," in told
        assert told.endswith(f"{board.settings.topic(ENTRIES)}[0]: its offset was 1 before\n")


@pytest.mark.one_cluster
def test_snapshots_are_objects_in_lines(board: Board, tmp_path: Path, environment: dict[str, str]) -> None:
    """As docs/lag.md promises."""
    with watching(tmp_path, environment, "-o", "json") as process:
        assert process.stdout is not None
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
    assert " ".join(first) == " ".join(second) == SNAPSHOT
    assert (first["version"], first["cluster"], first["verdict"], first["problem"]) == (1, "dc1", "OK", "")
    assert [" ".join(one) for one in first["groups"]] == [GROUP]
    assert {" ".join(one) for one in first["partitions"]} == {KEYS}
    assert second["at"] > first["at"]
    del board


@pytest.mark.one_cluster
def test_a_terminal_has_one_picture(board: Board, tmp_path: Path, environment: dict[str, str]) -> None:
    """Which is drawn anew, until ctrl-c; then the cursor is there again."""
    outside, inside = pty.openpty()
    with subprocess.Popen(
        ["kafkalert", "lag", "-w", "0.5"],
        cwd=tmp_path,
        env=environment | {"TERM": "xterm-256color"},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    ) as process:
        os.close(inside)
        shown = ""
        while shown.count("ctrl-c ends it") < 2:
            shown += os.read(outside, 4096).decode()
        process.send_signal(signal.SIGINT)
        while "\x1b[?25h" not in shown:
            shown += os.read(outside, 4096).decode()
        assert process.wait(30) == 0
    os.close(outside)
    assert board.settings.group("alerting")[:10] in shown
    assert "Nothing waits." in shown
    assert "Traceback" not in shown
