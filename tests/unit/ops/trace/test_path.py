"""A trail of records as the path that it is: copies and repeats together, each hop after the one that it came from."""

from typing import Any

from kafkalert.config import names
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.ops.trace.path import Path, path_of
from kafkalert.ops.trace.raw import Raw, booking_id, names_booking, raw
from kafkalert.ops.trace.trail import Trail
from kafkalert.serde.codec import Codec
from tests.support.data.rows import datum, debit
from tests.support.fakes.engine import FakeMessage
from tests.support.tailing import message as alert_value

CODEC = Codec()
CLUSTERS = {name: Cluster(name=name, bootstrap="b:9092") for name in ("dc1", "dc2")}
SETTINGS = Settings(context=Context(clusters=("dc1", "dc2")), clusters=CLUSTERS)
ENTRY = {**debit("NL01KAFK0000000001", "e-1"), "BalanceAfterBookingNumeric": 1}
KEY = b"k" * 16


def on(cluster: str, name: str, value: bytes, at: int, time: int, **headers: bytes) -> Raw:
    """A record of e-1; a copy where `headers` say where it comes from."""
    keys = {names.ACCOUNTENTRY: ("AccountId", "id"), names.OUTBOUNDEMAILMESSAGE: ("EmailAddress", "emailAddress")}
    schema, field = keys.get(name, ("CustomerId", "id"))
    key = CODEC.encode(schema, {field: "c1"})
    listed = [(one.replace("_", "-"), text) for one, text in headers.items() if one != "origin"]
    listed += [(f"ka-origin.{headers['origin'].decode()}", b"1")] if "origin" in headers else []
    return raw(cluster, name, FakeMessage(name, value, key, listed, at=at, time=time).real)


def booking(cluster: str, at: int, **headers: bytes) -> Raw:
    return on(
        cluster, names.ACCOUNTENTRY, CODEC.encode("AccountEntry", datum(ENTRY)), at, 1000, ka_id=b"e-1", **headers
    )


def alert(cluster: str, at: int, time: int, own: bytes = b"a" * 32, **headers: bytes) -> Raw:
    return on(cluster, names.OUTBOUNDEMAILMESSAGE, alert_value(1), at, time, ka_id=own, ka_entry=b"e-1", **headers)


def path(**found: Any) -> Path:  # noqa: ANN401 - fields of a trail
    return path_of(SETTINGS, Trail("e-1", **found), "e-1", ("dc1", "dc2"))


def test_an_original_and_its_copy_are_one_hop() -> None:
    """With the ms since the booking, by the records' times; the original stands first wherever it was read first."""
    found = path(
        bookings=(booking("dc2", 7, origin=b"dc1"), booking("dc1", 3)),
        alerts=(alert("dc1", 1, 1007), alert("dc2", 2, 1007, origin=b"dc1")),
    )
    first, second = found.hops
    assert [(one.cluster, one.offset, one.native) for one in first.places] == [("dc1", 3, True), ("dc2", 7, False)]
    assert (first.after, first.ms, second.after, second.ms, second.channel) == (None, None, 0, 7, "email")
    assert (found.entry, str(second.id)) == ("e-1", "a" * 32)


def test_an_alert_that_was_sent_again_is_one_hop_with_two_originals() -> None:
    """As after a forced switch: both are shown, and the first one counts."""
    (_, only) = path(bookings=(booking("dc1", 3),), alerts=(alert("dc1", 1, 1007), alert("dc2", 2, 9000))).hops
    assert [one.cluster for one in only.written] == ["dc1", "dc2"]
    assert only.ms == 7


def test_with_two_hops_an_alert_comes_from_its_customers_record() -> None:
    """And its ms count from there."""
    second = on(
        "dc1",
        names.CUSTOMERACCOUNTENTRY,
        CODEC.encode("AccountEntry", datum(ENTRY)),
        0,
        1004,
        ka_id=b"b" * 32,
        ka_entry=b"e-1",
    )
    hops = path(bookings=(booking("dc1", 3),), customer_entries=(second,), alerts=(alert("dc1", 1, 1010),)).hops
    assert [(one.kind, one.after, one.ms, one.customer) for one in hops] == [
        ("booking", None, None, None),
        ("customer-entry", 0, 4, "c1"),
        ("alert", 1, 6, "c1"),
    ]


def test_what_is_not_known_is_said() -> None:
    """A booking that is gone, a cluster that does not answer, a search that ended early: no ms are made up."""
    found = path(alerts=(alert("dc1", 1, 1007),), silent={"dc2": "Cluster dc2 does not answer."})
    assert (found.hops[0].ms, found.hops[0].after) == (None, None)
    assert found.clusters == ("dc1",)
    assert any("booking itself was not found" in one for one in found.notes)
    assert any("dc2 is not known" in one for one in found.notes)
    early = path(bookings=(booking("dc1", 3),), looked_until=1_750_000_000_000)
    assert any("up to 2025-06-15 15:06:40" in one for one in early.notes)


def test_a_booking_without_an_id_is_known_by_the_one_that_alerting_makes() -> None:
    """On any cluster the same; an id of another form cannot be it."""
    value = CODEC.encode("AccountEntry", datum(ENTRY))
    bare = FakeMessage(names.ACCOUNTENTRY, value, b"key", time=5).real
    own = booking_id(bare, KEY)
    assert own is not None
    assert names_booking(bare, own, KEY)
    assert not names_booking(bare, "e-1", KEY)
    assert not names_booking(FakeMessage(names.ACCOUNTENTRY, value, b"key", time=6).real, own, KEY)
