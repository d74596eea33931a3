"""`kafkalert tail` as it is installed."""

import json
import os
import signal
import socket
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from tests.support.tailing import EMAIL, PUSH, SECONDS, SMS, Board, message

Run = Callable[..., subprocess.CompletedProcess[str]]
kafka = pytest.mark.one_cluster

HOSTILE = "\x1b]0;gone\x07\x9b2J\u202e[bold]x\r\n"


@pytest.fixture
def board(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Board:
    """Topics of the test's own, and a kafkalert.toml in the current folder that leads there."""
    text = f'[clusters.dc1]\nbootstrap = "{sandbox1.bootstrap()}"\n'
    contexts = f'[contexts.test]\nclusters = ["dc1"]\nprefix = "{prefix}"\nunmask = true\n'
    (tmp_path / "kafkalert.toml").write_text(text + contexts)
    return Board(sandbox1.bootstrap(), prefix)


@contextmanager
def running(folder: Path, environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`kafkalert ARGUMENTS` while the block runs."""
    with subprocess.Popen(
        ["kafkalert", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def fill(board: Board, count: int) -> None:
    board.make(EMAIL, SMS, PUSH)
    for number in range(count):
        board.put(EMAIL, number, headers=[("ka-id", b"0a1b"), ("ka-entry", b"e-1")])
    board.flush()


@kafka
def test_people_read_words(board: Board, kafkalert: Run) -> None:
    """The table says when, by what, to whom and what happened, in words with amounts, and nothing personal."""
    fill(board, 12)
    done = kafkalert("tail")
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 10
    assert lines[-1].split(maxsplit=4)[2:] == [
        "email",
        "j***@example.org",
        "Debited 45.00 EUR from ***4300, over your 40.00 EUR; balance 11 EUR",
    ]


@kafka
def test_programs_read_an_object_a_line(board: Board, kafkalert: Run) -> None:
    """-o json gives an object a line with the promised names in their order, masked; yaml and tsv say the same."""
    fill(board, 2)
    done = kafkalert("tail", "email", "-o", "json")
    first, second = map(json.loads, done.stdout.splitlines())
    assert list(first) == ["channel", "topic", "partition", "offset", "timestamp", "key", "value", "headers"]
    assert first["key"] == {"emailAddress": "j***@example.org"}
    assert first["value"]["params"]["alert_settings_account_number"] == "***4300"
    assert first["value"]["params"]["balance_amount"] == "0"
    assert first["headers"] == {"ka-id": "0a1b", "ka-entry": "e-1"}
    assert second["timestamp"] == "2025-06-15T15:06:40.001000+00:00"
    yaml = kafkalert("tail", "email", "-o", "yaml").stdout
    assert yaml.count("---\n") == 2
    assert "emailAddress: j***@example.org" in yaml
    head, *rows = kafkalert("tail", "email", "-o", "tsv").stdout.splitlines()
    assert head.split("\t")[-2:] == ["address", "what"]
    assert [row.split("\t")[-2] for row in rows] == ["j***@example.org"] * 2


@kafka
def test_unmask_shows_and_says_so(board: Board, kafkalert: Run) -> None:
    """--unmask shows what is personal where the context permits it, and the use is said."""
    fill(board, 1)
    done = kafkalert("tail", "--unmask")
    assert "jan@example.org" in done.stdout
    assert "NL20KAFK0000004300" in done.stdout
    assert "logged" in done.stderr


@kafka
def test_grep_matches_what_the_operator_gives(board: Board, kafkalert: Run) -> None:
    """An exact address is matched exactly, and what is printed stays masked; what was left out is said."""
    fill(board, 3)
    board.put(EMAIL, 3, address="ann@example.org")
    board.flush()
    done = kafkalert("tail", "email", "--grep", "email=ann@example.org", "-o", "json")
    assert [json.loads(line)["key"]["emailAddress"] for line in done.stdout.splitlines()] == ["a***@example.org"]
    assert done.stderr.splitlines() == ["3 records did not match --grep."]


@kafka
@pytest.mark.parametrize("output", ["table", "json", "yaml", "tsv"])
@pytest.mark.parametrize("unmask", [(), ("--unmask",)])
def test_hostile_content_never_reaches_a_terminal(
    board: Board,
    kafkalert: Run,
    terminal: Callable[..., tuple[str, int]],
    output: str,
    unmask: tuple[str, ...],
) -> None:
    """Control characters and markup in values, keys and headers are written as text, in every format."""
    board.make(EMAIL, SMS, PUSH)
    hostile = message(1, account=f"NL{HOSTILE}4300", balance_amount=HOSTILE, strange=HOSTILE)
    headers = [("ka-id", HOSTILE.encode()), (f"x{HOSTILE}", b"y")]
    board.put(PUSH, 1, address=f"{HOSTILE}@x", value=hostile, headers=headers)
    board.flush()
    done = kafkalert("tail", "-o", output, *unmask)
    assert done.returncode == 0
    assert "[bold]" in done.stdout
    strange = [char for char in done.stdout if unicodedata.category(char) in {"Cc", "Cf"} and char not in "\n\t"]
    assert strange == []
    shown, status = terminal(["kafkalert", "tail", "-o", output, *unmask])
    assert status == 0
    assert "]0;gone\x07" not in shown
    assert "\x9b" not in shown


@kafka
@pytest.mark.parametrize("follow", [(), ("-f",)])
def test_a_closed_pipe_ends_it_quietly(
    board: Board, environment: dict[str, str], tmp_path: Path, follow: tuple[str, ...]
) -> None:
    """With nobody left to read it ends, says nothing and exits 0; with -f also while nothing comes."""
    fill(board, 3000)
    with running(tmp_path, environment, "tail", "-n", "3000", *follow) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "email" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(SECONDS) == 0
        assert process.stderr.read() == ""


@kafka
def test_follow_sees_what_comes_and_ctrl_c_ends_it(board: Board, environment: dict[str, str], tmp_path: Path) -> None:
    """-f shows a record that is produced after it started, at once; ctrl-c ends it with 130 and without a word."""
    fill(board, 1)
    with running(tmp_path, environment, "tail", "-f", "-o", "json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["value"]["params"]["balance_amount"] == "0"
        board.put(EMAIL, 1)
        board.flush()
        assert json.loads(process.stdout.readline())["value"]["params"]["balance_amount"] == "1"
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert process.stdout.read() + process.stderr.read() == ""


@kafka
def test_ctrl_c_leaves_the_terminal_as_it_was(board: Board, environment: dict[str, str], tmp_path: Path) -> None:
    """Ctrl-c on a terminal leaves its settings, and no sequence that would have to be undone."""
    fill(board, 1)
    outside, inside = os.openpty()
    before = (
        os.get_blocking(inside),
        subprocess.run(["stty", "-a"], stdin=inside, capture_output=True, check=True).stdout,
    )
    shown = bytearray()
    with subprocess.Popen(
        ["kafkalert", "tail", "-f"], cwd=tmp_path, env=environment | {"TERM": "xterm"}, stdin=inside, stdout=inside
    ) as process:
        while b"Debited" not in shown:
            shown += os.read(outside, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
    after = (
        os.get_blocking(inside),
        subprocess.run(["stty", "-a"], stdin=inside, capture_output=True, check=True).stdout,
    )
    assert before == after
    assert b"\x1b[?" not in shown
    os.close(inside)
    os.close(outside)


@kafka
def test_a_missing_topic(board: Board, kafkalert: Run) -> None:
    """A topic that does not exist is a sentence and exit status 2; beside one that does, a note."""
    done = kafkalert("tail", "--topic", "nothing")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "Error: Topic nothing does not exist on dc1."
    assert done.stderr.splitlines()[1].startswith("Hint: ")
    board.make(EMAIL)
    done = kafkalert("tail", "email", "sms")
    assert done.returncode == 0
    assert done.stderr == f"Topic {board.settings.topic(SMS)} does not exist yet.\n"


def test_no_broker(kafkalert: Run, tmp_path: Path) -> None:
    """Without a broker it ends with 4, following or not, with what happened and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as port:
        address = f"127.0.0.1:{port.getsockname()[1]}"
    (tmp_path / "kafkalert.toml").write_text(f'[clusters.dc1]\nbootstrap = "{address}"\n')
    done = kafkalert("tail", "-f")
    assert done.returncode == 4
    what, hint = done.stderr.splitlines()
    assert what == f"Error: Cluster dc1 ({address}) does not answer: Connection refused."
    assert "kafkalert sandbox up" in hint


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fax"], "There is no channel 'fax'."),
        (["--since", "soon"], "'soon' is not a time or an offset; try 1h."),
        (["--grep", "account"], "--grep wants FIELD=VALUE."),
        (["--cluster", "dc3"], "Context default has no cluster 'dc3'."),
        (["-f", "--until", "end"], "-f goes on for ever and --until ends it."),
        (["--topic", ""], "--topic wants a name."),
    ],
)
def test_wrong_usage(kafkalert: Run, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    """What cannot be meant is refused before anything is asked of a cluster."""
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n')
    done = kafkalert("tail", *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"Error: {sentence}"


def test_help_and_completion_of_words(kafkalert: Run) -> None:
    """The words for topics complete, and the help names them."""
    assert "devices" in kafkalert("tail", "--help").stdout
    env = {"_KAFKALERT_COMPLETE": "complete_bash", "COMP_WORDS": "kafkalert tail de", "COMP_CWORD": "2"}
    assert kafkalert(env=env).stdout.split() == ["devices"]
