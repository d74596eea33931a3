"""`context list` and `context use`: which environment commands work in, and who says so."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

CONFIGURATION = """\
context = "test"
[clusters.dc1]
bootstrap = "127.0.0.1:9092"
[clusters.dc2]
bootstrap = "127.0.0.1:9192"
[clusters.dc2.kafka]
sasl.password = {env = "NOT_HERE"}
[contexts.test]
clusters = ["dc1"]
prefix = "t."
[contexts.bank]
clusters = ["dc1", "dc2"]
production = true
read_only = true
[contexts.other]
clusters = ["dc1"]
"""
KEPT = Path("home/.local/state/kafkalert/contexts.json")


@pytest.fixture(autouse=True)
def file(tmp_path: Path) -> Path:
    """The configuration, in the working folder."""
    path = tmp_path / "kafkalert.toml"
    path.write_text(CONFIGURATION)
    return path


def listed(run: Run, *arguments: str, env: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """What `context list -o json` says, by name."""
    result = run(*arguments, "context", "list", "-o", "json", env=env)
    assert (result.returncode, result.stderr) == (0, "")
    return {row["name"]: row for row in json.loads(result.stdout)}


def in_force(run: Run, *arguments: str, env: dict[str, str] | None = None) -> tuple[str, str]:
    """The chosen context, and what chose it."""
    ((name, by),) = [(row["name"], row["by"]) for row in listed(run, *arguments, env=env).values() if row["chosen"]]
    return name, by


def test_each_context_is_listed_though_its_secrets_are_not_here(kafkalert: Run) -> None:
    """A list asks nothing of a cluster, and needs no password."""
    assert listed(kafkalert)["bank"] == {
        "name": "bank",
        "clusters": ["dc1", "dc2"],
        "prefix": "",
        "production": True,
        "read_only": True,
        "chosen": False,
        "by": None,
    }
    table = kafkalert("context", "list").stdout.splitlines()
    assert table[1].split() == ["test", "dc1", "t.", "no", "no", "yes", "kafkalert.toml:1"]


def test_flag_before_variable_before_choice_before_file(kafkalert: Run) -> None:
    assert in_force(kafkalert) == ("test", "kafkalert.toml:1")
    assert kafkalert("context", "use", "other").returncode == 0
    assert in_force(kafkalert) == ("other", "kafkalert context use")
    variable = {"KAFKALERT_CONTEXT": "bank"}
    assert in_force(kafkalert, env=variable) == ("bank", "KAFKALERT_CONTEXT")
    assert in_force(kafkalert, "-C", "test", env=variable) == ("test", "-C")
    assert kafkalert("context", "use", "--clear").returncode == 0
    assert in_force(kafkalert) == ("test", "kafkalert.toml:1")


def test_commands_work_in_what_was_chosen_and_say_so(kafkalert: Run) -> None:
    """Each time, on stderr: the choice may be weeks old. Where the file says the same, or a flag, it is no news."""
    note = "Using context other, which you chose by `kafkalert context use`.\n"
    kafkalert("context", "use", "other")
    shown = kafkalert("config", "show", "-o", "json")
    assert json.loads(shown.stdout)[0] == {"key": "context", "value": "other", "source": "kafkalert context use"}
    assert shown.stderr == note
    assert kafkalert("config", "check").stderr == f"{note}kafkalert.toml is right. Context other, with dc1.\n"
    assert kafkalert("config", "check", "-C", "test").stderr.startswith("kafkalert.toml is right. Context test")
    kafkalert("context", "use", "test")
    assert kafkalert("config", "check").stderr.startswith("kafkalert.toml is right. Context test")


def test_the_choice_is_the_user_s_alone_and_of_one_file(kafkalert: Run, tmp_path: Path) -> None:
    """Another file may mean something else by the same name."""
    kafkalert("context", "use", "other")
    assert (tmp_path / KEPT).stat().st_mode & 0o777 == 0o600
    (tmp_path / "second.toml").write_text(CONFIGURATION)
    assert in_force(kafkalert, "--config", "second.toml") == ("test", "second.toml:1")
    (tmp_path / "link.toml").symlink_to(tmp_path / "kafkalert.toml")
    assert in_force(kafkalert, "--config", "link.toml")[0] == "other"


def test_what_is_chosen_is_said_and_production_with_it(kafkalert: Run) -> None:
    said = kafkalert("context", "use", "bank")
    assert said.stderr == (
        "Context bank of kafkalert.toml is used from now on. It is PRODUCTION: a change asks for its name.\n"
    )
    said = kafkalert("context", "use", "other", env={"KAFKALERT_CONTEXT": "test"})
    assert said.stderr.splitlines() == [
        "Context other of kafkalert.toml is used from now on.",
        "In this shell KAFKALERT_CONTEXT is set to test, which comes before it.",
    ]
    assert kafkalert("context", "use", "--clear").stderr == "Forgotten. Context test of kafkalert.toml is used.\n"
    assert kafkalert("context", "use", "--clear").stderr.startswith("Nothing was chosen.")


def test_a_choice_that_is_gone_is_an_error_and_never_another_environment(kafkalert: Run, file: Path) -> None:
    """Of every command that needs one; list shows what there is, and the hint's commands mend it."""
    kafkalert("context", "use", "other")
    file.write_text(CONFIGURATION.replace("[contexts.other]", "[contexts.renamed]"))
    sentence = (
        "Error: You chose context other, which kafkalert.toml does not have any more; there is test, bank, renamed."
    )
    hint = "Hint: Choose another one by `kafkalert context use NAME`, or forget it by `kafkalert context use --clear`."
    for command in (["config", "check"], ["config", "show"], ["context", "list"]):
        result = kafkalert(*command)
        assert (result.returncode, result.stderr.splitlines()) == (2, [sentence, hint])
    assert "renamed" in result.stdout
    assert kafkalert("-C", "test", "config", "check").returncode == 0
    assert kafkalert("context", "use", "renamed").returncode == 0
    assert in_force(kafkalert)[0] == "renamed"


@pytest.mark.parametrize(
    ("arguments", "sentence", "hint"),
    [
        (["use", "tset"], "tset is no context. Did you mean test?", "In kafkalert.toml there is test, bank, other."),
        (["use", "-"], "- is no context.", "In kafkalert.toml there is test, bank, other."),
        (["use"], "Name a context, or forget the choice with --clear.", "`kafkalert context list`"),
        (["use", "test", "--clear"], "Name a context, or forget the choice with --clear.", "`kafkalert context list`"),
        (["list", "-C", "tset"], "-C names tset, which is no context. Did you mean test?", "KAFKALERT_CONTEXT"),
    ],
)
def test_wrong_names_are_status_2(kafkalert: Run, arguments: list[str], sentence: str, hint: str) -> None:
    result = kafkalert("context", *arguments)
    first, second = result.stderr.splitlines()
    assert (result.returncode, first) == (2, f"Error: {sentence}")
    assert hint in second


def test_without_any_choice_the_list_says_how_to_choose(kafkalert: Run, file: Path) -> None:
    file.write_text(CONFIGURATION.replace('context = "test"\n', ""))
    result = kafkalert("context", "list", "-o", "tsv")
    assert result.returncode == 2
    assert [line.split("\t")[5] for line in result.stdout.splitlines()] == ["chosen", "no", "no", "no"]
    assert "No context is chosen." in result.stderr
    assert "`kafkalert context use NAME`" in result.stderr


def test_a_configuration_without_contexts_has_the_default_one(kafkalert: Run, file: Path) -> None:
    file.write_text(CONFIGURATION.partition("[contexts")[0].removeprefix('context = "test"\n'))
    assert in_force(kafkalert) == ("default", "the only one")


def test_without_a_file_there_is_nothing_to_keep_a_choice_for(kafkalert: Run, file: Path) -> None:
    file.unlink()
    assert "There is no configuration." in kafkalert("context", "list").stderr
    env = {"KAFKALERT_CLUSTERS__DC1__BOOTSTRAP": "127.0.0.1:9092"}
    result = kafkalert("context", "use", "default", env=env)
    assert (result.returncode, "no configuration file" in result.stderr) == (2, True)


@pytest.mark.parametrize("content", ["no json", '["other"]', '{"a": 1}'])
def test_a_damaged_choice_is_a_sentence(kafkalert: Run, tmp_path: Path, content: str) -> None:
    kafkalert("context", "use", "other")
    (tmp_path / KEPT).write_text(content)
    result = kafkalert("config", "check")
    assert result.returncode == 2
    assert "contexts.json is damaged." in result.stderr
    assert kafkalert("config", "check", "-C", "test").returncode == 0


def test_topics_complete_as_they_are_called_in_what_was_chosen(probe: Run) -> None:
    """By the choice as by the variable."""

    def offered(env: dict[str, str]) -> str:
        words = {"_KAFKALERT_COMPLETE": "complete_bash", "COMP_WORDS": "kafkalert probe --topic ", "COMP_CWORD": "3"}
        return probe(env=words | env).stdout.split()[0]

    assert offered({}) == "t.accountentry"
    probe("context", "use", "other")
    assert offered({}) == "accountentry"
    assert offered({"KAFKALERT_CONTEXT": "test"}) == "t.accountentry"
