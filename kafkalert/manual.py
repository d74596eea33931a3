"""The manual page, kafkalert(1), made from the help: `python -m kafkalert.manual`.

`make man` and the build of a wheel call it. It imports what the help imports, so it needs no library of Kafka.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from typer.main import get_command

from kafkalert.cli import COMMON, app
from kafkalert.commands.groups import pages
from kafkalert.errors import ExitCode
from kafkalert.views.terminal import write

EXIT_STATUS: Final[Mapping[ExitCode, str]] = {
    ExitCode.DONE: "Done.",
    ExitCode.FAILED: "Failed, in whole or part.",
    ExitCode.USAGE: "Wrong usage or configuration; nothing was done.",
    ExitCode.DRIFT: "What was looked at is not as it should be.",
    ExitCode.UNREACHABLE: "A cluster does not answer.",
    ExitCode.REFUSED: "Refused, by a check, a right that is missing, or the operator; nothing was changed.",
    ExitCode.UNKNOWN: "The outcome is not known; the hint says how to find out.",
    ExitCode.INTERRUPTED: "Ended by ctrl-c. A stage that runs ends in order, and with 0.",
}
ENVIRONMENT: Final = (
    ("KAFKALERT_CONFIG", "The configuration, unless --config names another one."),
    ("KAFKALERT_CONTEXT", "The context, unless -C names another one."),
    ("KAFKALERT_SECTION__KEY", "A value of the configuration: KAFKALERT_ENGINE__BATCH is batch of [engine]."),
    ("NO_COLOR", "Takes the colour away."),
)
FILES: Final = (
    ("kafkalert.toml", "The configuration, in the working folder."),
    (".kafkalert/sandbox.toml", "That of a sandbox, where there is no other."),
    ("~/.config/kafkalert/kafkalert.toml", "The user's own, where there is neither."),
    ("~/.local/state/kafkalert/contexts.json", "What `kafkalert context use` has kept."),
)
_EXAMPLE: Final = "Example: "
_LITERAL: Final = {
    "\\": "\\e",
    "-": "\\-",
    '"': "\\(dq",
    "'": "\\(aq",
    "`": "\\(ga",
    "^": "\\(ha",
    "~": "\\(ti",
}
"""Characters for which roff has others in mind."""


def page(version: str = "") -> str:
    """Return the manual page in roff, with the macros of man(7)."""
    root: Any = get_command(app)
    first, *others = pages(root.context_class(root, info_name="kafkalert", **root.context_settings))
    lines = [f'.TH KAFKALERT 1 "" "{_text(f"kafkalert {version}".strip())}" "User Commands"', ".nr HY 0", ".ad l"]
    lines += [".SH NAME", f"kafkalert \\- {_text(_summary(first.command))}"]
    lines += [".SH SYNOPSIS", f".B kafkalert\n{_text(_usage(first))}"]
    lines += [".SH DESCRIPTION", *_prose(first.command.help)]
    lines += [
        ".PP",
        "Data is on stdout, all else on stderr. Options that all commands share may stand before or after the command.",
    ]
    lines += [".SH OPTIONS", *_options(first, common=True)]
    lines.append(".SH COMMANDS")
    for one in others:
        lines += [f'.SS "{_text(f"{one.command_path} {_usage(one)}")}"', *_prose(one.command.help)]
        lines += _options(one, common=False)
    lines.append(".SH EXIT STATUS")
    for status, meaning in EXIT_STATUS.items():
        lines += _tagged(str(int(status)), meaning)
    for heading, rows in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        lines.append(f".SH {heading}")
        for name, meaning in rows:
            lines += _tagged(name, meaning)
    return "\n".join(lines) + "\n"


def _usage(ctx: Any) -> str:  # noqa: ANN401 - Typer's contexts share no public type
    return " ".join(ctx.command.collect_usage_pieces(ctx))


def _summary(command: Any) -> str:  # noqa: ANN401 - as above
    return " ".join(command.help.partition("\n\n")[0].split()).rstrip(".")


def _prose(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        words = " ".join(paragraph.split())
        if words.startswith(_EXAMPLE):
            yield from (".PP", "Example:", ".RS", ".EX", _text(words.removeprefix(_EXAMPLE)), ".EE", ".RE")
        else:
            yield from (".PP", _text(words))


def _options(ctx: Any, *, common: bool) -> Iterator[str]:  # noqa: ANN401 - as above
    """Arguments and options; those that all commands share are told once."""
    for param in ctx.command.get_params(ctx):
        if not common and param.name in {*COMMON, "help"}:
            continue
        record = param.get_help_record(ctx)
        if record is not None:
            yield from _tagged(record[0], record[1])


def _tagged(name: str, text: str) -> Iterator[str]:
    yield from (".TP", f".B {_text(name)}", _text(" ".join(text.split())))


def _text(plain: str) -> str:
    """Return text as roff takes it literally: no escape, no request at the beginning of a line, hyphens as typed."""
    safe = "".join(_LITERAL.get(char, char if char.isascii() else f"\\[u{ord(char):04X}]") for char in plain)
    return f"\\&{safe}" if safe.startswith(".") else safe


if __name__ == "__main__":
    write(page(*sys.argv[1:2]))
