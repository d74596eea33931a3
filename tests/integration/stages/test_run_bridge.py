"""`kafkalert run bridge`: bookings from a file, a pipe or a growing log, as the installed command brings them in."""

import gzip
import json
import signal
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.data.rows import datum
from tests.support.pipeline import Pipeline
from tests.support.reading import CODEC, ENTRIES
from tests.support.running import kafkalert, running

pytestmark = pytest.mark.one_cluster


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    """Bookings as lines say them, some without entryId or balance."""
    bank = Pipeline("127.0.0.1:1", "", Path()).bank
    made = [one.entry for one in islice(bank.bookings(lambda: 1_800_000_000_000), 60)]
    for one in made[:5]:
        del one["entryId"]
    for one in made[3:8]:
        for name in [name for name in one if name.lower().startswith("balanceafter")]:
            del one[name]
    return made


@pytest.fixture
def bank(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics, empty."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path).make_topics()
    yield one
    one.end()


def lines(entries: list[dict[str, Any]]) -> str:
    """NDJSON."""
    return "".join(json.dumps(one) + "\n" for one in entries)


def check(records: list[Message], entries: list[dict[str, Any]]) -> None:
    """The topic holds just these entries: values, keys, headers, and each account's in their order."""
    by_account: dict[str, list[Any]] = {}
    for entry in entries:
        headers = [("ka-id", entry["entryId"].encode())] if "entryId" in entry else []
        if "BalanceAfterBookingNumeric" not in entry:
            headers.append(("ka-balance", b"unknown"))
        by_account.setdefault(entry["accountId"], []).append((datum(entry), headers))
    found: dict[str, list[Any]] = {}
    for one in records:
        account = CODEC.decode("AccountId", one.key())["id"]
        found.setdefault(account, []).append((CODEC.decode("AccountEntry", one.value()), one.headers() or []))
    assert found == by_account


@pytest.mark.parametrize("form", ["plain", "gzip", "standard input"])
def test_every_line_becomes_a_record(bank: Pipeline, entries: list[dict[str, Any]], tmp_path: Path, form: str) -> None:
    """It ends when all are acknowledged, and says how many that were."""
    path = tmp_path / "entries"
    path.write_bytes(gzip.compress(lines(entries).encode()) if form == "gzip" else lines(entries).encode())
    if form == "standard input":
        done = kafkalert(bank, "run", "bridge", "--from", "-", stdin=lines(entries))
    else:
        done = kafkalert(bank, "run", "bridge", "--from", str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "60 entries sent and acknowledged.\n")
    check(bank.read(ENTRIES), entries)


def test_bad_lines_are_told_and_the_rest_goes_in(bank: Pipeline, entries: list[dict[str, Any]], tmp_path: Path) -> None:
    """Each with its number and why, never with what it says; the status says that not all went well."""
    text = lines(entries[:10]).splitlines(keepends=True)
    text[1:1] = ['{"accountId": "NL91ABNA0417164300"}\n']
    text[3:3] = ["no json\n"]
    text.append(json.dumps(entries[9] | {"entryId": "x" * 1025}) + "\n")
    path = tmp_path / "entries"
    path.write_text("".join(text), encoding="utf-8")
    done = kafkalert(bank, "run", "bridge", "--from", str(path))
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert [one.split(":")[0] for one in told[:-1]] == ["Line 2", "Line 4", "Line 13"]
    assert told[2] == "Line 13: entryId: longer than 1024 bytes"
    assert told[-1] == "10 entries sent and acknowledged; 3 bad lines."
    assert "NL91" not in done.stderr
    check(bank.read(ENTRIES), entries[:10])


def test_strict_sends_nothing_if_any_line_is_bad(bank: Pipeline, entries: list[dict[str, Any]], tmp_path: Path) -> None:
    """Not even what stands before it; without bad lines it sends all."""
    path = tmp_path / "entries"
    path.write_text(lines(entries[:9]) + "no json\n", encoding="utf-8")
    done = kafkalert(bank, "run", "bridge", "--strict", "--from", str(path))
    assert done.returncode == 1
    assert done.stderr.startswith("Line 10: ")
    assert done.stderr.endswith("0 entries sent and acknowledged; 1 bad line.\n")
    assert bank.read(ENTRIES) == []
    done = kafkalert(bank, "run", "bridge", "--strict", "--from", "-", stdin=path.read_text(encoding="utf-8"))
    assert (done.returncode, bank.read(ENTRIES)) == (1, [])
    path.write_text(lines(entries[:4]), encoding="utf-8")
    assert kafkalert(bank, "run", "bridge", "--strict", "--from", str(path)).returncode == 0
    assert kafkalert(bank, "run", "bridge", "--strict", "--from", "-", stdin=lines(entries[4:9])).returncode == 0
    check(bank.read(ENTRIES), entries[:9])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_growing_file_is_followed_until_stopped(
    bank: Pipeline, entries: list[dict[str, Any]], tmp_path: Path, number: signal.Signals
) -> None:
    """What is appended comes too; a stop ends it with status 0 and everything acknowledged."""
    path = tmp_path / "entries"
    path.write_text(lines(entries[:10]), encoding="utf-8")
    with running(bank, "run", "bridge", "--follow", "--from", str(path)) as bridge:
        assert wait_until(holds(bank, 10), SECONDS, every=0.2)
        with path.open("a", encoding="utf-8") as log:
            log.write(lines(entries[10:20]) + '{"half a line')
        assert wait_until(holds(bank, 20), SECONDS, every=0.2)
        bridge.send_signal(number)
        _, told = bridge.communicate(timeout=SECONDS)
        assert (bridge.returncode, told) == (0, "20 entries sent and acknowledged.\n")
    check(bank.read(ENTRIES), entries[:20])


def test_a_stop_before_the_end_of_a_file_is_said(bank: Pipeline, entries: list[dict[str, Any]], tmp_path: Path) -> None:
    """Whoever stops it halfway learns that the file is not all in, and has what was sent acknowledged."""
    path = tmp_path / "entries"
    path.write_text(lines(entries), encoding="utf-8")
    with running(bank, "run", "bridge", "--rate", "20", "--from", str(path)) as bridge:
        assert wait_until(lambda: len(bank.read(ENTRIES)) >= 5, SECONDS, every=0.1)
        bridge.send_signal(signal.SIGINT)
        _, told = bridge.communicate(timeout=SECONDS)
    sent = len(bank.read(ENTRIES))
    assert 5 <= sent < len(entries)
    acknowledged, stopped = told.splitlines()
    assert acknowledged == f"{sent:,} entries sent and acknowledged."
    assert stopped == f"Stopped before the end of {path}; what follows was not sent."


def holds(bank: Pipeline, count: int) -> Callable[[], bool]:
    """A condition: so many entries are there."""
    return lambda: len(bank.read(ENTRIES)) == count


def test_a_rate_paces(bank: Pipeline, entries: list[dict[str, Any]], tmp_path: Path) -> None:
    """By the records' own times: 40 at 20 a second are spread over nearly two seconds, and not sent at once."""
    path = tmp_path / "entries"
    path.write_text(lines(entries[:40]), encoding="utf-8")
    assert kafkalert(bank, "run", "bridge", "--rate", "20", "--from", str(path)).returncode == 0
    times = sorted(one.timestamp()[1] for one in bank.read(ENTRIES))
    assert len(times) == 40
    assert times[-1] - times[0] >= 1500
    # A crowded machine may be late, and then hurries for what a second holds; never more in one moment than that.
    assert max(sum(start <= one < start + 100 for one in times) for start in times) <= 25


def test_what_is_not_there_is_said(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> None:
    """A file, a topic: each one line of what and one of what to do."""
    nothing = Pipeline(sandbox1.bootstrap(), prefix, tmp_path)
    done = kafkalert(nothing, "run", "bridge", "--from", str(tmp_path / "absent"))
    assert done.returncode == 2
    what, hint = done.stderr.splitlines()
    assert what == f"Error: {tmp_path}/absent cannot be read: No such file or directory."
    assert hint.startswith("Hint: ")
    done = kafkalert(nothing, "run", "bridge", "--from", "-")
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: Topics {prefix}accountentry, {prefix}kafkalert.status do not exist on dc1.\n"
        "Hint: Run `kafkalert topics apply`.\n"
    )


def test_what_does_not_go_together_is_refused(bank: Pipeline) -> None:
    """Before anything is sent."""
    assert kafkalert(bank, "run", "bridge", "--strict", "--follow", "--from", "-").returncode == 2
    done = kafkalert(bank, "run", "bridge", "--read-only", "--from", "-")
    assert done.returncode == 5
    assert done.stderr.startswith("Error: Context test is read-only, and a stage writes.\n")


def test_a_cluster_that_hangs_ends_it_and_the_next_run_brings_all(
    own_sandbox: Callable[..., Sandbox], entries: list[dict[str, Any]], tmp_path: Path
) -> None:
    """With --wait, as unreachable, though records are under way; sent again they have the same ids."""
    sandbox = own_sandbox()
    bank = Pipeline(sandbox.bootstrap(), "", tmp_path / "bank").make_topics()
    path = tmp_path / "entries"
    path.write_text(lines(entries[10:20]), encoding="utf-8")
    with running(bank, "run", "bridge", "--follow", "--wait", "3", "--from", str(path)) as bridge:
        assert wait_until(holds(bank, 10), SECONDS, every=0.2)
        sandbox.pause("dc1")
        with path.open("a", encoding="utf-8") as log:
            log.write(lines(entries[20:30]))
        _, told = bridge.communicate(timeout=SECONDS)
    assert bridge.returncode == 4, told
    assert "Error: Cluster dc1" in told
    sandbox.resume("dc1")
    again = kafkalert(bank, "run", "bridge", "--from", str(path))
    assert again.stderr == "20 entries sent and acknowledged.\n"
    headers: list[dict[str, Any]] = [dict(one.headers() or ()) for one in bank.read(ENTRIES)]
    assert {one["ka-id"].decode() for one in headers} == {one["entryId"] for one in entries[10:30]}


def test_a_cluster_that_is_away_for_too_long_ends_it(tmp_path: Path) -> None:
    """As unreachable; without --wait it would be waited for."""
    nobody = Pipeline("127.0.0.1:1", "", tmp_path)
    done = kafkalert(nobody, "run", "bridge", "--wait", "1", "--from", "-")
    assert done.returncode == 4
    assert "Error: Cluster dc1 (127.0.0.1:1) has not answered for " in done.stderr
