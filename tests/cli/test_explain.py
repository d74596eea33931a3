"""`kafkalert explain` and `kafkalert trace` as they are installed."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox

Run = Callable[..., subprocess.CompletedProcess[str]]
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def bank(sandbox1: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a configuration, whose topics have the examples of docs/rules.md and their alerts."""
    folder = tmp_path_factory.mktemp("examples")
    config = folder / "kafkalert.toml"
    config.write_text(
        f'[clusters.dc1]\nbootstrap = "{sandbox1.bootstrap()}"\n'
        '[contexts.test]\nclusters = ["dc1"]\nprefix = "examples."\nunmask = true\n'
        f'[engine]\nstate = "{folder / "state"}"\n[topics]\npartitions = 3\n'
    )
    for command in (
        ("topics", "apply", "--yes"),
        ("seed", "authorisations", str(EXAMPLES / "authorisations.ndjson"), "--yes"),
        ("seed", "settings", str(EXAMPLES / "settings.ndjson"), "--yes"),
        ("run", "bridge", "--from", str(EXAMPLES / "entries.ndjson")),
        ("run", "alerting", "--until-end"),
    ):
        done = subprocess.run(
            ["kafkalert", "--config", str(config), *command], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def ask(bank: Path, kafkalert: Run) -> Run:
    """`kafkalert` in that context."""

    def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
        return kafkalert("--config", str(bank / "kafkalert.toml"), *arguments, **more)

    return run


@pytest.mark.one_cluster
def test_the_answer_comes_first(ask: Run) -> None:
    """What went out, masked; or why nothing did, with the numbers."""
    sent = ask("explain", "anna", "example-1")
    assert sent.returncode == 0, sent.stderr
    assert sent.stderr == ""
    first, *rest = sent.stdout.splitlines()
    assert first == "2 alerts went out: e-mail to a***@mail.example, push to anna."
    assert any("The balance fell from 1,032.50 EUR to 82.50 EUR, below 100.00 EUR." in line for line in rest)
    assert "4300" in sent.stdout
    assert "NL91ABNA" not in sent.stdout
    silent = ask("explain", "anna", "example-2")
    assert silent.returncode == 0
    assert silent.stdout.startswith(
        "No alert went out: anna asked for one alert on this account, Balance below 100.00 EUR. "
        "The balance of 69.51 EUR is below 100.00 EUR, but so it was before the booking: 82.50 EUR.\n"
    )
    assert ask("explain", "zoe", "example-1").stdout.startswith("No alert went out: zoe may not see the account.\n")
    clear = ask("explain", "anna", "example-1", "--unmask")
    assert "anna@mail.example" in clear.stdout
    assert "NL91ABNA0417164300" in clear.stdout
    assert "logged" in clear.stderr


@pytest.mark.one_cluster
def test_programs_read_one_object(ask: Run) -> None:
    """With the promised keys, and personal data masked; tsv has a line a rule."""
    done = ask("explain", "bram", "example-1", "-o", "json")
    told = json.loads(done.stdout)
    assert list(told) == [
        *("version", "entry", "customer", "answer", "booking", "processed", "waiting", "now", "then", "messages"),
        *("missing", "deadLetters", "clusters", "silent", "notes"),
    ]
    assert told["booking"]["account"] == "***4300"
    assert (told["booking"]["balance"], told["booking"]["before"]) == (8250, 103250)
    assert (told["processed"], told["waiting"], told["missing"]) == (True, None, [])
    (rule,) = told["then"]["rules"]
    assert list(rule) == [
        *("alertType", "currency", "amount", "threshold", "thresholdMajor", "channels", "reason", "why", "alerts"),
    ]
    assert [(one["id"], one["to"]) for one in told["messages"]] == [(one["id"], "***78") for one in rule["alerts"]]
    assert "+31612345678" not in done.stdout
    head, *rows = ask("explain", "bram", "example-1", "-o", "tsv").stdout.splitlines()
    assert head.split("\t") == ["when", "alertType", "currency", "threshold", "channels", "reason", "why"]
    assert [row.split("\t")[0] for row in rows] == ["now", "then"]
    assert "answer: '1 alert went out" in ask("explain", "bram", "example-1", "-o", "yaml").stdout


@pytest.mark.one_cluster
def test_the_path_by_entry_by_alert_and_by_place(ask: Run) -> None:
    """All three name the same path; it shows each record's place and the ms of each hop."""
    done = ask("trace", "example-1", "-o", "json")
    told = json.loads(done.stdout)
    assert list(told) == ["version", "entry", "clusters", "silent", "hops", "notes"]
    booking, *alerts = told["hops"]
    assert list(booking) == ["kind", "id", "after", "ms", "channel", "to", "customer", "what", "places"]
    assert (booking["kind"], booking["after"], booking["ms"]) == ("booking", None, None)
    assert {one["customer"] for one in alerts} == {"anna", "bram"}
    assert all(one["ms"] > 0 and one["after"] == 0 for one in alerts)
    assert json.loads(ask("trace", alerts[0]["id"], "-o", "json").stdout)["hops"] == told["hops"]
    place = alerts[1]["places"][0]
    named = f"{place['topic']}[{place['partition']}]@{place['offset']}"
    assert json.loads(ask("trace", named, "-o", "json").stdout)["hops"] == told["hops"]
    shown = ask("trace", "example-1").stdout
    assert f"dc1: written {named}" in shown
    assert "├ alert" in shown
    assert "anna@mail.example" not in shown
    head, *rows = ask("trace", "example-1", "-o", "tsv").stdout.splitlines()
    assert head.split("\t")[:4] == ["kind", "id", "after", "ms"]
    assert len(rows) == len(told["hops"])


@pytest.mark.one_cluster
def test_what_is_not_there(ask: Run) -> None:
    """Exit status 1, with where it was looked for and since when."""
    for command in (("trace",), ("explain", "anna")):
        done = ask(*command, "no-such-id", "--since", "1h")
        assert done.returncode == 1
        assert done.stdout == ""
        assert "Looked on dc1, in " in done.stderr
        assert "since @-1h" in done.stderr
    done = ask("trace", "accountentry[0]@123456")
    assert done.returncode == 1
    assert "There is no record at examples.accountentry[0]@123456 on dc1." in done.stderr


def test_wrong_usage(kafkalert: Run, tmp_path: Path) -> None:
    """Before any cluster is asked: 2, with what is wanted."""
    (tmp_path / "kafkalert.toml").write_text(
        '[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n[contexts.test]\nclusters = ["dc1"]\n'
    )
    for arguments in (
        ("explain",),
        ("explain", "anna"),
        ("explain", " ", "e-1"),
        ("trace", ""),
        ("trace", "accounttocustomerids[0]@1"),
        ("trace", "e-1", "--since", "yesterday"),
        ("trace", "e-1", "--cluster", "dc9"),
    ):
        done = kafkalert(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert done.stdout == ""
    refused = kafkalert("trace", "e-1", "--unmask")
    assert refused.returncode == 5


def test_a_cluster_that_does_not_answer(kafkalert: Run, tmp_path: Path) -> None:
    """4, within ten seconds."""
    (tmp_path / "kafkalert.toml").write_text(
        '[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n[contexts.test]\nclusters = ["dc1"]\n'
    )
    done = kafkalert("explain", "anna", "e-1")
    assert done.returncode == 4
    assert "dc1" in done.stderr
