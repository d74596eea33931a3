"""What leaves the process: nothing steers a terminal, nothing is a customer's, and any encoding can take it."""

import io
import logging
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from kafkalert.engine.observe.logs import Sentences
from kafkalert.model.printable import ERRORS, escape_errors, escaped, masked
from kafkalert.views import terminal
from kafkalert.views.screen import Screen

HOSTILE = "\x1b[31mred\x07\x9b2J\u202egnp.exe\u202c \udcf6 ] \r\n"
"""An escape sequence, a bell, a C1 control, a bidirectional override, a stray byte, the end of a line."""


@given(st.text(st.characters(categories=None)))
def test_escaped_text_is_one_printable_line(text: str) -> None:
    """Whatever stands in it, surrogates too."""
    assert escaped(text).isprintable()


@given(st.text())
def test_printable_text_stays(text: str) -> None:
    if text.isprintable():
        assert escaped(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("entry of NL91ABNA0417164300 failed", "entry of ***4300 failed"),
        ("entry of NL91 ABNA 0417 1643 00 failed", "entry of ***3 00 failed"),
        ("(+31612345678)", "(***78)"),
        ("operator@host.example", "operator@host.example"),
        ("NL92ABNA0417164300", "NL92ABNA0417164300"),
        ("offset +10, -3", "offset +10, -3"),
    ],
    ids=["account", "account with blanks", "phone", "operator", "wrong check digits", "numbers"],
)
def test_accounts_and_phone_numbers_are_masked_in_any_sentence(text: str, shown: str) -> None:
    """By their form: an account by its check digits, so that a name that looks like one stays."""
    assert masked(text) == shown


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-15", "utf-8"])
def test_an_encoding_takes_any_text(encoding: str) -> None:
    """What it lacks is written out; a terminal of ISO 8859 used to end `failover` by its arrow."""
    escape_errors()
    written = "dc1 → dc2 łódź \udcf6".encode(encoding, ERRORS).decode(encoding)
    assert (
        written
        == {
            "ascii": "dc1 -> dc2 \\u0142\\xf3d\\u017a \\udcf6",
            "iso8859-15": "dc1 -> dc2 \\u0142ód\\u017a \\udcf6",
            "utf-8": "dc1 → dc2 łódź \\udcf6",
        }[encoding]
    )


def _say(text: str) -> None:
    terminal.say(text)


def _report(text: str) -> None:
    terminal.report(text, text)


def _ask(text: str) -> None:
    terminal.ask(text)


def _write(text: str) -> None:
    terminal.write(text)


def _show(text: str) -> None:
    Screen().show(Text(text))
    Screen(stderr=True).show(Text(text), text)


def _log(text: str) -> None:
    logger = logging.getLogger("test.printable")
    target = logging.StreamHandler()
    target.setFormatter(Sentences("%(message)s"))
    logger.addHandler(target)
    try:
        logger.error("heartbeats of %s", text)
        logger.error("failed", exc_info=ValueError(text))
    finally:
        logger.removeHandler(target)


@pytest.mark.parametrize("way", [_say, _report, _ask, _write, _show, _log])
def test_no_way_out_lets_a_control_character_pass(
    way: Callable[[str], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentences, errors, questions, data, tables and log lines: what a stranger wrote is shown as text."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    # The runner of the tests keeps log records as they are, and cannot hand on what is no text at all.
    way(HOSTILE.encode("utf-8", "ignore").decode() if way is _log else HOSTILE)
    out, err = capsys.readouterr()
    assert (out + err).replace("\n", "").isprintable()
    assert "\\x1b[31mred" in out + err


@pytest.mark.parametrize("way", [_say, _report, _ask, _log])
def test_no_sentence_holds_an_account(
    way: Callable[[str], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    way("NL91ABNA0417164300")
    out, err = capsys.readouterr()
    assert "0417164300" not in out + err
    assert "***4300" in err


def test_an_error_is_one_line_unless_it_lists_problems(capsys: pytest.CaptureFixture[str]) -> None:
    """A line end that somebody else wrote begins no line that looks like one of ours."""
    terminal.report("a\nHint: rm -rf", "")
    terminal.report("2 problems:\n  a", "", listed=True)
    assert capsys.readouterr().err == "Error: a\\nHint: rm -rf\nError: 2 problems:\n  a\n"


def test_force_color_brings_no_colour_into_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """docs/cli.md promises box and colour on a terminal only."""
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.setenv(variable, "1")
    Screen().show(Text("red", "bold red"))
    assert capsys.readouterr().out == "red\n"


def test_a_long_sentence_is_folded_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal alone; a terminal itself breaks in the middle of them. A line with a command can be copied."""
    monkeypatch.setenv("COLUMNS", "20")
    sentence, command = "  nothing is lost and nothing done twice", "run `kafkalert failover --to dc2` now"
    terminal.say(sentence)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    terminal.say(sentence)
    terminal.say(command)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [sentence, "  nothing is lost", "    and nothing done", "    twice", command]
