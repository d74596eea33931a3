"""`explain` and `trace` on a pipeline that really runs: they say what was sent, and why nothing was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkalert.config.loading.load import load
from kafkalert.config.sections import Settings
from kafkalert.ops.explain.answer import answer
from kafkalert.ops.explain.explaining import explain
from kafkalert.ops.explain.explanation import Explanation
from kafkalert.ops.trace.path import path
from kafkalert.ops.trace.trail import NotFoundError
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.data.stored import followed
from tests.support.pipeline import Pipeline, Sent
from tests.support.reading import CODEC, DEAD, ENTRIES
from tests.support.twin import twins


def settings_of(pipeline: Pipeline) -> Settings:
    """The configuration by which the pipeline runs."""
    return load(pipeline.config())


@pytest.fixture
def pipeline(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A bank's topics and tables."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path, engine={"batch": 500}).make_topics()
    one.seed()
    yield one
    one.end()


def sample(entries: list[tuple[str, Sent]]) -> list[tuple[str, Sent]]:
    """Some bookings that had to raise alerts, and some that had to raise none."""
    return [*[one for one in entries if one[1].ids][:4], *[one for one in entries if not one[1].ids][:3]]


def ids(explained: Explanation) -> set[object]:
    """The alerts that it says went out."""
    return {one.id for one in explained.messages}


@pytest.mark.one_cluster
def test_it_says_exactly_what_was_sent(pipeline: Pipeline) -> None:
    """Of bookings before and after the tables changed: for each customer the alerts that were sent, and why not more.

    The statement of the rules says what had to be sent (`expected`), with the tables as they were at that time.
    """
    settings = settings_of(pipeline)
    pipeline.alerting()
    first = pipeline.send(80)
    pipeline.await_processed()
    quiet = {one.account for one in first[::2]}
    for account in quiet:
        pipeline.authorise(account, [])
    for customer in [*pipeline.settings][::3]:
        pipeline.put_settings(customer, None)
    pipeline.flush()
    assert wait_until(lambda: followed(pipeline), SECONDS)
    pipeline.send(80)
    pipeline.await_processed()
    pipeline.verify(least=20)
    looked, silent, changed = 0, 0, 0
    every = [*pipeline.sent.items()]
    for entry, sent in [*sample(every[:80]), *sample(every[80:])]:
        customers = {*pipeline.bank.authorisations[sent.account], "nobody"}
        for customer in customers:
            told = explain(settings, customer, entry)
            wanted = sent.alerts.get(customer, set())
            assert ids(told) == wanted, (entry, customer, answer(told))
            assert told.processed
            assert told.missing == (), answer(told)
            assert told.then is not None
            assert told.then.is_known
            assert {one.id for one in told.then.due} == wanted, (entry, customer, answer(told))
            assert answer(told).startswith(f"{len(wanted)} alert" if wanted else "No alert went out: ")
            looked, silent, changed = looked + 1, silent + (not wanted), changed + (not told.is_same)
    assert looked > silent > 0
    assert changed > 0


@pytest.mark.one_cluster
def test_what_waits_is_put_away_or_is_not_there(pipeline: Pipeline) -> None:
    """A booking that waits, with how many before it; a dead letter, by its place; and one that is nowhere."""
    settings = settings_of(pipeline)
    running = pipeline.alerting()
    pipeline.send(10)
    account, customers = next(iter(pipeline.authorisations.items()))
    pipeline.put(ENTRIES, b"junk", CODEC.encode("AccountId", {"id": account}), [("ka-id", b"bad-1")])
    pipeline.await_processed()
    dead = explain(settings, customers[0], "bad-1")
    (letter,) = pipeline.read(DEAD)
    said = f"No alert went out: the booking is a dead letter, not-framed (`kafkalert dlq show {letter.topic()}["
    assert answer(dead).startswith(said)
    place = dead.booking.places[0]
    again = explain(settings, customers[0], f"accountentry[{place.partition}]@{place.offset}")
    assert answer(again) == answer(dead)
    running.stop()
    waiting = pipeline.send(40)
    pipeline.flush()
    entry, sent = next((name, one) for name, one in [*pipeline.sent.items()][::-1] if one in waiting and one.ids)
    customer = next(iter(sent.alerts))
    told = explain(settings, customer, entry)
    assert (told.processed, told.messages, told.missing) == (False, (), ())
    assert answer(told).startswith("No alert went out yet: the booking is not processed, ")
    (same,) = [one for one in pipeline.read(ENTRIES) if dict(one.headers() or ())["ka-id"] == entry.encode()]
    client = pipeline.client("kafkalert.alerting")
    committed = pipeline.committed(client, ENTRIES)[str(same.topic()), int(same.partition() or 0)]
    client.close()
    before = int(same.offset() or 0) - committed
    assert told.waiting == before + 1
    assert f"{len(sent.alerts[customer])} alert" in answer(told)
    with pytest.raises(NotFoundError, match="No booking and no alert") as error:
        explain(settings, customer, "no-such-entry")
    assert error.value.exit_code == 1


@pytest.mark.two_clusters
def test_a_path_over_two_hops_and_both_clusters(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> None:
    """Each hop has its original and its copy; alerts come from their customer's hop; by entry, alert or place alike."""
    with twins(sandbox2, prefix, tmp_path) as twin:
        bank = twin("two-hop")
        settings = settings_of(bank.dc1)
        process = bank.alerting()
        bank.await_running(process, on="dc1")
        bank.dc1.send(30)
        bank.dc1.flush()
        bank.verify("dc1", "dc2", least=5)
        entry, sent = next((name, one) for name, one in bank.sent.items() if len(one.ids) > 1)
        traced = path(settings, entry)
        booking, *rest = traced.hops
        assert {one.cluster: one.native for one in booking.places} == {"dc1": True, "dc2": False}
        alerts = [one for one in rest if one.kind == "alert"]
        assert {one.id for one in alerts} == sent.ids
        for one in rest:
            assert {place.cluster: place.native for place in one.places} == {"dc1": True, "dc2": False}, one
            assert one.ms is not None
            assert one.after is not None
        for one in alerts:
            before = traced.hops[one.after or 0]
            assert (before.kind, before.customer) == ("customer-entry", one.customer)
        assert path(settings, str(alerts[0].id)).hops == traced.hops
        last = alerts[-1].places[0]
        assert path(settings, f"{last.topic}/{last.partition}@{last.offset}").hops == traced.hops
        clusters = {"clusters": ("dc2", "dc1")}
        there = settings.model_copy(update={"context": settings.context.model_copy(update=clusters)})
        for customer, wanted in sent.alerts.items():
            told = explain(there, customer, entry)
            assert (ids(told), told.processed, told.missing) == (wanted, True, ())
