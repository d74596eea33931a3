"""The manual page has every command and option of the help, and roff takes it."""

import re
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from typer.main import get_command

from kafkalert.cli import COMMANDS, HEAVY, app
from kafkalert.commands.groups import pages
from kafkalert.errors import ExitCode
from kafkalert.manual import EXIT_STATUS, page

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def roff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, made as a build makes it: by a process of its own."""
    file = tmp_path_factory.mktemp("manual") / "kafkalert.1"
    made = subprocess.run([sys.executable, "-m", "kafkalert.manual", "9.8"], cwd=ROOT, check=True, capture_output=True)
    file.write_bytes(made.stdout)
    return file


def rendered(roff: Path) -> str:
    """The page as a terminal shows it, and not a word of complaint."""
    command = ["groff", "-ww", "-b", "-man", "-Tascii", "-P-cbou", "-rLL=200n", "-rcR=1", str(roff)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def literal(roff_text: str) -> str:
    """What is written, by undoing the escapes one by one."""
    return re.sub(
        r"\\(?:e|-|&|\(dq|\(aq|\(ga|\(ha|\(ti)",
        lambda one: {"e": "\\", "-": "-", "&": "", "(dq": '"', "(aq": "'", "(ga": "`", "(ha": "^", "(ti": "~"}[
            one[0][1:]
        ],
        roff_text,
    )


def test_it_has_every_command_and_every_option(roff: Path) -> None:
    """Each below the words that call it; and what all commands share, once."""
    root: Any = get_command(app)
    first, *others = pages(root.context_class(root, info_name="kafkalert", **root.context_settings))
    sections = dict(
        block.split("\n", 1) for block in literal(roff.read_text()).split("\n.S")[1:] if block.startswith('S "')
    )
    by_path = {
        heading.removeprefix('S "').partition(" [")[0].partition(" {")[0]: text for heading, text in sections.items()
    }
    assert by_path.keys() == {one.command_path for one in others}
    assert {f"kafkalert {name}" for name in COMMANDS} <= by_path.keys()
    shared = literal(roff.read_text()).partition(".SH OPTIONS")[2].partition(".SH COMMANDS")[0]
    count = 0
    for one in [first, *others]:
        for param in one.command.get_params(one):
            names = param.opts if param.param_type_name == "option" else [param.metavar or param.name]
            told = shared + by_path.get(one.command_path, "")
            assert all(name in told for name in names), (one.command_path, names)
            count += 1
    assert count > 200


def test_it_says_the_version_the_statuses_and_the_examples(roff: Path) -> None:
    text = literal(roff.read_text())
    assert text.startswith('.TH KAFKALERT 1 "" "kafkalert 9.8" "User Commands"\n')
    assert set(EXIT_STATUS) == set(ExitCode)
    assert [section.split("\n")[0] for section in text.split("\n.SH ")[1:]] == [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "COMMANDS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
    ]
    assert '.EX\nkafkalert failover --to dc2 --reason "maintenance of dc1"\n.EE' in text


def test_no_line_is_a_request_by_accident(roff: Path) -> None:
    """A line of text that begins with a point would be taken for an order to roff, and be lost."""
    orders = {line.split(" ")[0] for line in roff.read_text().splitlines() if line[:1] in {".", "'"}}
    assert orders == {".TH", ".nr", ".ad", ".SH", ".SS", ".PP", ".TP", ".B", ".RS", ".RE", ".EX", ".EE"}


@pytest.mark.skipif(which("groff") is None, reason="no groff")
def test_roff_takes_it_and_loses_nothing(roff: Path) -> None:
    """Every word of every help is on the page that a terminal shows."""
    shown = " ".join(rendered(roff).split())
    root: Any = get_command(app)
    for one in pages(root.context_class(root, info_name="kafkalert", **root.context_settings)):
        for paragraph in one.command.help.split("\n\n"):
            assert " ".join(paragraph.removeprefix("Example: ").split()) in shown


def test_it_is_made_without_the_libraries_of_kafka() -> None:
    """A build has Typer alone."""
    code = "import sys; from kafkalert.manual import page; page(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert {module.partition(".")[0] for module in modules} & set(HEAVY) == set()


def test_it_is_the_same_each_time() -> None:
    assert page("1") == page("1")
