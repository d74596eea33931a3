"""The tables under faults: changes count at once, a store that cannot be trusted is rebuilt, a full disk holds."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import monotonic

import pytest
from confluent_kafka import KafkaException

from kafkalert.bus.clients import admin
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.data.load import grows, load, newest_beats
from tests.support.data.rows import debit, settings_row
from tests.support.data.stored import followed
from tests.support.pipeline import Pipeline
from tests.support.reading import AUTHORISATIONS, SETTINGS

pytestmark = pytest.mark.one_cluster

ACCOUNT, OTHER = "NL00KAFK0000000001", "NL00KAFK0000000002"
LARGE = 3000
"""Phone numbers that make a row of some 50 kB."""


@pytest.fixture
def pipeline(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A bank's topics, filled, on the shared broker."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path)
    one.make_topics()
    one.seed()
    yield one
    one.end()


def test_change_takes_effect_within_a_second(pipeline: Pipeline) -> None:
    """A changed, removed or new row of either table decides the next entry, a moment after it was written."""
    pipeline.alerting()
    changes: list[Callable[[], None]] = [
        lambda: pipeline.authorise(ACCOUNT, ["anna"]),
        lambda: pipeline.put_settings("anna", settings_row("anna", ACCOUNT, above=100)),
        lambda: pipeline.put_settings("anna", settings_row("anna", ACCOUNT, above=600)),
        lambda: pipeline.put_settings("bram", settings_row("bram", ACCOUNT, OTHER)),
        lambda: pipeline.authorise(ACCOUNT, ["bram"]),
        lambda: pipeline.put_settings("bram", None),
        lambda: pipeline.authorise(ACCOUNT, ["anna", "bram"]),
        lambda: pipeline.put_settings("anna", settings_row("anna", OTHER)),
        lambda: pipeline.put_settings("anna", settings_row("anna", ACCOUNT)),
        lambda: pipeline.authorise(ACCOUNT, None),
    ]
    seconds = []
    decided = []
    for number, change in enumerate(changes):
        pipeline.await_processed()
        change()
        pipeline.flush()
        written = monotonic()
        assert wait_until(lambda: followed(pipeline), SECONDS, every=0.01), pipeline.said()
        seconds.append(monotonic() - written)
        sent = pipeline.book(debit(ACCOUNT, f"after-{number}"))
        pipeline.flush()
        decided.append(sorted(sent.alerts))
    pipeline.await_processed()
    pipeline.verify()
    assert decided == [[], ["anna"], [], [], ["bram"], [], [], [], ["anna"], []]
    assert median(seconds[1:]) < 1


def test_topic_made_anew_while_alerting_was_stopped(pipeline: Pipeline) -> None:
    """A table's topic that was deleted and made anew is read from its beginning before any entry is decided."""
    alerting = pipeline.alerting()
    pipeline.authorise(ACCOUNT, ["anna"])
    pipeline.put_settings("anna", settings_row("anna", ACCOUNT))
    pipeline.send(500)
    pipeline.await_processed()
    assert alerting.stop() == 0
    remake(pipeline, SETTINGS)
    pipeline.settings.clear()  # only anna's and one other row are written again, and anna's says something else
    pipeline.put_settings("anna", settings_row("anna", ACCOUNT, above=400))
    for number in range(50):
        pipeline.book(debit(ACCOUNT, f"low-{number}", cents=300))
        pipeline.book(debit(ACCOUNT, f"high-{number}", cents=500))
    pipeline.send(500)
    pipeline.flush()
    again = pipeline.alerting()
    pipeline.await_processed()
    pipeline.verify(least=50)
    again.await_said("read again from the beginning")


def test_topic_made_anew_under_load(pipeline: Pipeline) -> None:
    """Nor does an instance that runs decide by emptied tables while they are read again."""
    with load(pipeline, 200):
        follower = pipeline.alerting()
        assert wait_until(grows(pipeline, 50), SECONDS), pipeline.said()
        other = pipeline.alerting()
        assert wait_until(lambda: len(newest_beats(pipeline, seconds=2.5)) > 1, SECONDS), pipeline.said()
        follower.send(signal.SIGSTOP)
        remake(pipeline, SETTINGS)
        for customer, row in pipeline.settings.items():
            pipeline.put_settings(customer, row)
        pipeline.flush()
        follower.kill()
        other.await_said("They are read again from the beginning.")
        assert wait_until(grows(pipeline, 200), SECONDS), pipeline.said()
    pipeline.await_processed()
    pipeline.verify(least=100)


@pytest.mark.parametrize(("name", "absent"), [(AUTHORISATIONS, True), (SETTINGS, False)])
def test_topic_made_anew_under_its_follower(pipeline: Pipeline, name: str, absent: bool) -> None:
    """Whoever follows a topic of the tables sees within seconds that it was made anew, and reads the new one."""
    pipeline.authorise(ACCOUNT, ["anna"])
    pipeline.put_settings("anna", settings_row("anna", ACCOUNT))
    alerting = pipeline.alerting()
    pipeline.send(200)
    pipeline.await_processed()

    def said(text: str) -> bool:
        return any(text in one for one in alerting.messages())

    delete(pipeline, name)
    if absent:
        assert wait_until(lambda: said(f"Topic {pipeline.topic(name)} does not exist on dc1."), 20), pipeline.said()
    make(pipeline, name)
    pipeline.put_settings("bram", settings_row("bram", ACCOUNT, above=400))
    pipeline.authorise(ACCOUNT, ["bram"])
    pipeline.seed()
    assert wait_until(lambda: said("They are read again from the beginning."), 20), pipeline.said()
    assert wait_until(lambda: followed(pipeline), SECONDS), pipeline.said()
    for number in range(50):
        pipeline.book(debit(ACCOUNT, f"high-{number}", cents=500))
    pipeline.await_processed()
    pipeline.verify(least=50)


def test_a_start_waits_a_moment_for_a_topic_that_is_about_to_be_made_anew(pipeline: Pipeline) -> None:
    """And says which one; that it ends where none is made is shown in test_run_seen.py."""
    delete(pipeline, SETTINGS)
    alerting = pipeline.alerting()
    alerting.await_said(f"Topic {pipeline.topic(SETTINGS)} does not exist on dc1.")
    make(pipeline, SETTINGS)
    pipeline.settings.clear()
    pipeline.authorise(ACCOUNT, ["anna"])
    pipeline.put_settings("anna", settings_row("anna", ACCOUNT))
    for number in range(50):
        pipeline.book(debit(ACCOUNT, f"high-{number}", cents=500))
    pipeline.await_processed()
    pipeline.verify(least=50)


def test_tables_removed_under_a_stage_end_it(pipeline: Pipeline) -> None:
    """Whoever follows and whoever only reads them: of what they have open, what others make there says nothing."""
    both = [pipeline.alerting(), pipeline.alerting()]
    assert wait_until(lambda: len(newest_beats(pipeline, seconds=2.5)) > 1, SECONDS), pipeline.said()
    pipeline.send(200)
    pipeline.await_processed()
    for one in both:
        one.ended = True
    folder = pipeline.folder / "state"
    shutil.rmtree(folder)
    for one in both:
        assert one.process.wait(SECONDS) == 1, pipeline.said()
        assert (
            f"Error: The tables' files in {folder} were removed or replaced while they were in use.\n" in one.stderr()
        )
        assert "Hint: Start it again: " in one.stderr()
        assert "Errno" not in one.stderr()
    pipeline.send(200)
    pipeline.alerting()
    pipeline.await_processed()
    pipeline.verify(least=20)


@pytest.mark.parametrize("how", ["outdated", "of another boot"])
def test_store_that_cannot_be_trusted_is_rebuilt(pipeline: Pipeline, how: str) -> None:
    """A store older than tombstones are kept, or that a crash of the machine may have torn, is read anew."""
    pipeline.topics["delete_retention"] = "1ms" if how == "outdated" else "1d"
    pipeline.authorise(ACCOUNT, ["anna"])
    pipeline.put_settings("anna", settings_row("anna", ACCOUNT))
    pipeline.send(200)
    alerting = pipeline.alerting()
    pipeline.await_processed()
    assert alerting.stop() == 0
    if how == "of another boot":
        (pipeline.folder / "state" / "boot").write_text("another", encoding="ascii")
        (pipeline.folder / "state" / "tables" / "data.mdb").write_bytes(b"torn" * 4096)
    pipeline.put_settings("anna", settings_row("anna", ACCOUNT, above=400))
    pipeline.book(debit(ACCOUNT, "low", cents=300))
    pipeline.book(debit(ACCOUNT, "high"))
    pipeline.send(200)
    again = pipeline.alerting()
    pipeline.await_processed()
    pipeline.verify(least=20)
    assert ("have not seen" in again.stderr()) == (how == "outdated")


@pytest.fixture
def small_disk(pipeline: Pipeline) -> Iterator[Path]:
    """The tables' folder on a file system of 8 MB."""
    folder = pipeline.folder / "state"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    yield folder
    pipeline.end()
    subprocess.run(["umount", str(folder)], check=True)


def test_disk_full_under_the_tables(pipeline: Pipeline, small_disk: Path) -> None:
    """With changes that cannot be stored alerting holds and says why; with room again it goes on, nothing is lost."""
    accounts = [f"NL00KAFK{number:010d}" for number in range(60)]
    for account in accounts:
        pipeline.authorise(account, [f"c{account}"])
        pipeline.put_settings(f"c{account}", settings_row(f"c{account}", account))
    with load(pipeline, 100):
        alerting = pipeline.alerting()
        assert wait_until(grows(pipeline, 50), SECONDS), pipeline.said()
        fill(small_disk / "filler")
        for account in accounts:
            pipeline.put_settings(f"c{account}", settings_row(f"c{account}", account, above=400, junk=LARGE))
        pipeline.flush()
        alerting.await_said("held: The tables in")
        pipeline.put(SETTINGS, b"poison", b"poison")
        for account in accounts:
            pipeline.book(debit(account, f"low-{account}", cents=300))
            pipeline.book(debit(account, f"high-{account}"))
        alerting.await_said("cannot be written: ", times=3)  # once with the hold, and every 10 s
        assert len([one for one in alerting.messages() if "cannot be written" in one]) < 6
        (small_disk / "filler").unlink()
        alerting.await_said("going on")
        assert wait_until(grows(pipeline, 100), SECONDS), pipeline.said()
    pipeline.await_processed()
    pipeline.verify(least=60)
    assert len(pipeline.read("kafkalert.deadletter")) == 1  # the same record came again and again
    assert alerting.stop() == 0
    pipeline.send(200)
    pipeline.alerting()
    pipeline.await_processed()
    pipeline.verify(least=60)


def test_start_on_a_full_disk(pipeline: Pipeline, small_disk: Path) -> None:
    """Tables that cannot even be begun end the command with a sentence, not with a crash (SIGBUS in LMDB's lock)."""
    shutil.copyfile("/proc/sys/kernel/random/boot_id", small_disk / "boot")
    fill(small_disk / "filler")
    alerting = pipeline.alerting()
    alerting.ended = True
    assert alerting.process.wait(SECONDS) == 1
    assert "cannot be written: no room is left there." in alerting.stderr()
    assert "Free disk space there" in alerting.stderr()


def test_table_size_reached(pipeline: Pipeline) -> None:
    """At engine.table_size alerting holds as on a full disk; with a larger one it goes on where it was."""
    pipeline.engine["table_size"] = 1 << 20
    accounts = [f"NL00KAFK{number:010d}" for number in range(30)]
    alerting = pipeline.alerting()
    pipeline.send(300)
    pipeline.await_processed()
    for account in accounts:
        pipeline.authorise(account, [f"c{account}"])
        pipeline.put_settings(f"c{account}", settings_row(f"c{account}", account, junk=LARGE))
    pipeline.flush()
    alerting.await_said("held: The tables in")
    for account in accounts:
        pipeline.book(debit(account, f"late-{account}"))
    pipeline.flush()
    assert alerting.stop() == 0
    pipeline.engine["table_size"] = 64 << 20
    pipeline.alerting()
    pipeline.await_processed()
    pipeline.verify(least=30)


def fill(path: Path) -> None:
    """Write a file until nothing more can be."""
    with path.open("wb", buffering=0) as filler:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    filler.write(bytes(size))
            except OSError:
                continue


def running(pipeline: Pipeline) -> int:
    """How many instances process entries, by their own word."""
    return sum(beat["state"] == "running" for beat in newest_beats(pipeline, seconds=2.5))


def remake(pipeline: Pipeline, name: str) -> None:
    """Delete a topic and make it again."""
    delete(pipeline, name)
    make(pipeline, name)


def delete(pipeline: Pipeline, name: str) -> None:
    """Delete a topic."""
    client = admin(pipeline.cluster)
    for future in client.delete_topics([pipeline.topic(name)]).values():
        future.result(30)


def make(pipeline: Pipeline, name: str) -> None:
    """Make a topic that was deleted."""

    def made() -> bool:
        try:
            pipeline.make_topics(name)
        except KafkaException:
            return False
        return True

    assert wait_until(made, SECONDS, every=0.2)
    del pipeline.producers[name]  # it knows the former topic
