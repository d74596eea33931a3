"""The one place that writes to the terminal: what goes out here is printable, and sentences hold no personal data.

`screen.py` does the same for tables, colours and moving pictures.
"""

import sys
from collections.abc import Iterable

from kafkalert.model.printable import ERRORS, escape_errors, escaped, masked


def prepare() -> None:
    """Let stdout and stderr write out what their encoding lacks, rather than end the command."""
    escape_errors()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a test's stream may have none
        if reconfigure is not None:
            reconfigure(errors=ERRORS)


def takes(text: str) -> bool:
    """Whether stdout's encoding has every character of `text`, so that a format need not write them otherwise."""
    encoding = sys.stdout.encoding or "utf-8"
    if text.isascii() or encoding.lower() in ("utf-8", "utf8"):
        return True
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def say(text: str) -> None:
    """Tell the user something that is no data: one line on stderr."""
    sys.stderr.write(f"{_folded(masked(escaped(text)))}\n")
    sys.stderr.flush()


def _folded(line: str) -> str:
    """Return a long line for a terminal, between words; one with a command in it stays, so that it can be copied."""
    if "`" in line or not sys.stderr.isatty():
        return line
    from shutil import get_terminal_size  # noqa: PLC0415 - on a terminal alone
    from textwrap import fill  # noqa: PLC0415 - as above

    width = get_terminal_size().columns
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def ask(question: str) -> str:
    """Return the line that the user types after `question`; empty at the end of the input.

    What follows is on a new line.
    """
    sys.stderr.write(masked(escaped(question)))
    sys.stderr.flush()
    answer = ""
    try:
        answer = sys.stdin.readline()
    finally:
        if not answer.endswith("\n"):
            sys.stderr.write("\n")
    return answer


def report(what: str, hint: str, *, listed: bool = False) -> None:
    """Say what went wrong and what to do about it, on stderr; `what` may be `listed`, with a line a problem."""
    first, *more = what.split("\n") if listed else [what]
    for line in (f"Error: {first}", *more):
        say(line)
    if hint:
        say(f"Hint: {hint}")


def write(lines: str) -> None:
    """Write data to stdout as it is, but for what could steer a terminal; line ends and tabs stay."""
    if not lines.replace("\n", "").replace("\t", "").isprintable():
        lines = "".join(char if char in "\n\t" else escaped(char) for char in lines)
    sys.stdout.write(lines)


def write_all(lines: Iterable[str]) -> None:
    """`write` each as a line."""
    for line in lines:
        write(f"{line}\n")
