"""The stage's way to alerts (rules compiled per account, bytes put together) against the independent statement."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.config.pipeline import OUTBOUND
from kafkalert.config.sections import DEVELOPMENT_KEY
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.dependency import Independent
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.model.ids import CustomerId, EntryId, alert_id, alert_suffix
from kafkalert.rules.rule import Rule, installed
from kafkalert.sandbox.expected import Expected, expected
from kafkalert.serde.codec import Codec
from kafkalert.stages.alerting.compiler import Compiler
from kafkalert.stages.alerting.stage import Alerting, Names
from kafkalert.tables.origins import ORIGIN_BYTES
from kafkalert.tables.store import Store
from tests.support.data.records import BOTH, CONFLUENT, PLAIN
from tests.support.fakes.engine import FakeClock, FakeMessage, Remembering, Sent
from tests.unit.rules.test_rules import AUTHORISATIONS, ENTRIES, SETTINGS

NAMES = Names("accountentry", "customeraccountentry", tuple(OUTBOUND.values()))
CHANNEL = {topic: channel for channel, topic in OUTBOUND.items()}
KEY = {"EMAIL": ("EmailAddress", "emailAddress"), "SMS": ("PhoneNumber", "phoneNumber"), "PUSH": ("CustomerId", "id")}
NOW = 1_750_000_000_123

NOWHERE = bytes(ORIGIN_BYTES)


class Bench:
    """A stage on tables of its own, without a broker."""

    def __init__(self, folder: Path, codec: Codec, *, two_hop: bool, rules: dict[str, Rule] | None = None) -> None:
        self.codec = codec
        self.rules = rules or installed()
        self.store = Store(folder, size=1 << 26, flavour=Compiler.fingerprint(codec, self.rules))
        self.metrics = Metrics()
        self.two_hop = two_hop

    def fill(self, authorisations: dict[str, list[str]], rows: dict[str, Any]) -> None:
        """Both tables, as a follower would leave them."""
        self.store.empty()
        with self.store.write() as txn:
            for account, customers in authorisations.items():
                value = {"customerIds": [{"id": one} for one in customers]}
                raw = self.codec.encode("CustomerIds", value)
                txn.put(account.encode(), NOWHERE + raw, db=self.store.authorisations)
            for customer, row in rows.items():
                if row is not None:
                    raw = self.codec.encode("CustomerAlertSettings", row)
                    txn.put(customer.encode(), NOWHERE + raw, db=self.store.settings)
            self.store.mark_whole(txn)

    def process(self, *messages: FakeMessage, most: int = 1_000_000) -> tuple[list[Sent], list[Sent]]:
        """What comes out, alerts and dead letters; in two-hop mode by way of the second hop."""
        stage = Alerting(
            NAMES,
            two_hop=self.two_hop,
            store=self.store,
            codec=self.codec,
            rules=self.rules,
            id_key=DEVELOPMENT_KEY,
            metrics=self.metrics,
            clock=FakeClock(wall=NOW),
            dependency=Independent(),
        )
        out = Remembering(most)
        dead = DeadLetters("dead", "alerting", out.real, self.metrics.dead, FakeClock())
        stage.process([one.real for one in messages], out.real, dead)
        hop = [one for one in out.sent if one.topic == NAMES.customer_entries]
        if hop:
            again = [FakeMessage(one.topic, one.value, one.key, _as_read(one)) for one in hop]
            stage.process([one.real for one in again], out.real, dead)
        rest = [one for one in out.sent if one.topic != NAMES.customer_entries]
        return [one for one in rest if one.topic != "dead"], [one for one in rest if one.topic == "dead"]


def _as_read(sent: Sent) -> list[tuple[str, Any]]:
    """Headers as a consumer gives them: bytes."""
    return [(name, one.encode() if isinstance(one, str) else one) for name, one in sent.headers]


def message(codec: Codec, entry: dict[str, Any], *headers: tuple[str, bytes]) -> FakeMessage:
    """An entry's record."""
    known = entry["BalanceAfterBookingNumeric"] is not None
    texts = {"timestamp": NOW, "bookingAmount": "1.00", "balanceAfterBooking": "1.00"}
    datum = entry | texts | {"BalanceAfterBookingCreditDebitIndicator": "CRDT"}
    datum["BalanceAfterBookingNumeric"] = entry["BalanceAfterBookingNumeric"] or 0
    carried = [("ka-id", b"e-1"), *headers] if known else [("ka-id", b"e-1"), ("ka-balance", b"unknown"), *headers]
    key = codec.encode("AccountId", {"id": entry["accountId"]})
    return FakeMessage("accountentry", codec.encode("AccountEntry", datum), key, list(carried))


def said(codec: Codec, sent: Sent) -> Expected:
    """An output, in the statement's terms; its threshold is in its id, which is compared by itself."""
    value = codec.decode("OutboundMessage", sent.value)
    assert value["timestamp"] == NOW
    channel = CHANNEL[sent.topic]
    name, field = KEY[channel]
    address = codec.decode(name, sent.key)[field]
    params = frozenset(value["params"].items())
    return Expected(value["customerId"]["id"], channel, address, value["messageType"], "", params)


def id_of(one: Expected) -> str:
    """The alert's id by its definition."""
    suffix = alert_suffix(CustomerId(one.customer), one.alert_type, one.threshold, one.channel, one.address)
    return alert_id(DEVELOPMENT_KEY, EntryId("e-1"), suffix)


@pytest.fixture(scope="module", params=["one-hop", "two-hop", "one-hop, Confluent framing"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A stage in each mode, and one that writes the other framing."""
    codec = CONFLUENT if request.param.endswith("framing") else PLAIN
    with TemporaryDirectory() as folder:
        one = Bench(Path(folder), codec, two_hop=request.param == "two-hop")
        yield one
        one.store.close()


@settings(max_examples=60)
@given(authorisations=AUTHORISATIONS, rows=SETTINGS, entries=st.lists(ENTRIES, min_size=1, max_size=6))
def test_the_alerts_are_those_of_the_statement_byte_for_byte_readable(
    bench: Bench, authorisations: dict[str, list[str]], rows: dict[str, Any], entries: list[dict[str, Any]]
) -> None:
    """Whatever the tables hold: each once, whole by Avro's own reader, with the id that its parts make."""
    bench.fill(authorisations, rows)
    for entry in entries:
        want = expected(entry, authorisations, rows)
        sent, dead = bench.process(message(bench.codec, entry))
        assert dead == []
        got = [said(bench.codec, one) for one in sent]
        assert sorted(map(_sortable, got)) == sorted(_sortable(one._replace(threshold="")) for one in want)
        assert sorted(one.header["ka-id"] for one in sent) == sorted(map(id_of, want))


def _sortable(one: Expected) -> str:
    return json.dumps([*one[:5], sorted(one.params)])


WISH = {"alertType": "ALERT_DEBITED_ABOVE_THRESHOLD", "channels": ["EMAIL", "SMS"], "amount": {"value": "5"}}
ROW = {
    "customerId": {"id": "anna"},
    "addresses": [{"address": {"emailAddress": "a@example.org"}}, {"address": {"phoneNumber": "+31600000001"}}],
    "accountAlertSettings": [{"account": {"id": "A"}, "currency": {"symbol": "EUR"}, "settings": [WISH]}],
}
ENTRY = {
    "accountId": "A",
    "accountCurrency": "EUR",
    "bookingAmountNumeric": 6,
    "bookingCreditDebitIndicator": "DBIT",
    "BalanceAfterBookingNumeric": None,
}


def test_what_travels_with_an_entry_travels_on_and_what_belongs_to_the_mirror_does_not(bench: Bench) -> None:
    """Its trace, and that its balance is unknown; the alert says which entry it came from."""
    bench.fill({"A": ["anna"]}, {"anna": ROW})
    trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    sent, _ = bench.process(message(bench.codec, ENTRY, ("traceparent", trace), ("ka-origin.dc2", b""), ("x", b"y")))
    assert [one.topic for one in sent] == ["outboundemailmessage", "outboundsmsmessage"]
    for one in sent:
        assert set(one.header) == {"ka-id", "ka-entry", "traceparent", "ka-balance"}
        assert (one.header["ka-entry"], one.header["traceparent"], one.header["ka-balance"]) == (
            "e-1",
            trace,
            b"unknown",
        )


def test_a_trace_without_value_or_as_large_as_a_record_does_not_travel_on(bench: Bench) -> None:
    """W3C Trace Context lets a reader drop what is no trace; the alert goes out all the same."""
    bench.fill({"A": ["anna"]}, {"anna": ROW})
    for trace in (None, b"x" * 900_000):
        one = message(bench.codec, ENTRY)
        one.carried.append(("traceparent", trace))
        sent, dead = bench.process(one)
        assert ([len(out.headers) for out in sent], dead) == ([3, 3], [])


@pytest.mark.parametrize("own", [b"\xff\xfe", b"x" * 1025, b"x" * 900_000])
def test_an_id_that_cannot_travel_is_a_dead_letter(bench: Bench, own: bytes) -> None:
    """No UTF-8, or so long that each alert of the entry would be as large as a record may be."""
    bench.fill({"A": ["anna"]}, {"anna": ROW})
    one = message(bench.codec, ENTRY)
    one.carried[0] = ("ka-id", own)
    sent, dead = bench.process(one)
    assert sent == []
    assert [letter.header["ka-reason"] for letter in dead] == ["bad-id"]


def test_an_alert_too_large_for_a_record_is_a_dead_letter_and_the_rest_goes_on(bench: Bench) -> None:
    """A currency of 360 kB makes a message that no broker takes; retrying it for ever would stop the partition."""
    huge = "🏦" * 90_000
    row = ROW | {
        "accountAlertSettings": [{"account": {"id": "A"}, "currency": {"symbol": huge}, "settings": [WISH]}],
    }
    bench.fill({"A": ["anna", "bram"]}, {"anna": row, "bram": ROW | {"customerId": {"id": "bram"}}})
    sent, dead = bench.process(message(bench.codec, ENTRY | {"accountCurrency": huge}), message(bench.codec, ENTRY))
    assert {letter.header["ka-reason"] for letter in dead} == {"too-large"}
    assert len(sent) == 2


def test_what_is_too_large_of_one_customer_silences_nobody_else(tmp_path: Path) -> None:
    """Nor the customer's own other addresses; the entry is one dead letter, and what was sent is counted."""
    far = {"address": {"emailAddress": "a" * 90_000}}
    anna = ROW | {"addresses": [far, *ROW["addresses"]]}
    bench = Bench(tmp_path, PLAIN, two_hop=False)
    bench.fill({"A": ["anna", "bram"]}, {"anna": anna, "bram": ROW | {"customerId": {"id": "bram"}}})
    sent, dead = bench.process(message(PLAIN, ENTRY), most=80_000)
    assert [said(PLAIN, one).customer for one in sent] == ["anna", "anna", "bram", "bram"]
    assert [letter.header["ka-reason"] for letter in dead] == ["too-large"]
    assert bench.metrics.alerts == {"EMAIL": 2, "SMS": 2}


def test_an_authorised_customer_of_an_endless_id_keeps_the_second_hop_from_nobody_else(tmp_path: Path) -> None:
    """Authorisations name customers that no record could be about."""
    bench = Bench(tmp_path, PLAIN, two_hop=True)
    bench.fill({"A": ["c" * 90_000, "anna"]}, {"anna": ROW})
    sent, dead = bench.process(message(PLAIN, ENTRY), most=80_000)
    assert [said(PLAIN, one).customer for one in sent] == ["anna", "anna"]
    assert [letter.header["ka-reason"] for letter in dead] == ["too-large"]


def test_an_entry_larger_than_is_decoded_is_a_dead_letter_and_the_rest_goes_on(bench: Bench) -> None:
    """3 MB, of which objects would be made: where somebody waits for it. The entry behind it is alerted."""
    bench.fill({"A": ["anna"]}, {"anna": ROW})
    large, small = message(bench.codec, ENTRY), message(bench.codec, ENTRY)
    value = bench.codec.decode("AccountEntry", large.body)
    large.body = bench.codec.encode("AccountEntry", value | {"bookingAmount": "1" * 3_000_000})
    sent, dead = bench.process(large, small)
    assert [letter.header["ka-reason"] for letter in dead] == ["record-too-large"]
    assert len(sent) == 2


def test_settings_left_out_are_counted_by_reason(bench: Bench) -> None:
    """So an operator sees that a customer's wish does nothing."""
    odd = [WISH | {"amount": None}, WISH | {"alertType": "ALERT_NEW"}, WISH | {"amount": {"value": "much"}}]
    row = ROW | {"accountAlertSettings": [ROW["accountAlertSettings"][0] | {"settings": [*odd, WISH]}]}  # type: ignore[index]  # a literal
    bench.fill({"A": ["anna"]}, {"anna": row})
    sent, _ = bench.process(message(bench.codec, ENTRY))
    assert len(sent) == 2
    assert bench.metrics.skipped == {"no-amount": 1, "unknown-alert-type": 1, "amount-not-a-number": 1}


def test_a_row_of_some_kilobytes_is_compiled_into_no_more_than_a_customer_may_have(bench: Bench) -> None:
    """A thousand addresses for each of a thousand settings would be a million messages, in one write transaction."""
    asked = [WISH | {"channels": ["EMAIL"], "amount": {"value": str(one)}} for one in range(600)]
    row = ROW | {
        "addresses": [{"address": {"emailAddress": f"{one:x}"}} for one in range(600)],
        "accountAlertSettings": [ROW["accountAlertSettings"][0] | {"settings": asked}],  # type: ignore[index]  # a literal
    }
    bench.fill({"A": ["eve", "anna"]}, {"eve": row | {"customerId": {"id": "eve"}}, "anna": ROW})
    sent, dead = bench.process(message(bench.codec, ENTRY))
    assert (len(sent), dead) == (602, [])
    with bench.store.read() as txn:
        assert len(txn.get(b"A", db=bench.store.compiled)) < 100_000
    assert bench.metrics.skipped == {"too-much": 599}


def test_another_framing_is_another_flavour() -> None:
    """Compiled rows hold key bytes, which differ; a codec that only reads more does not."""
    assert Compiler.fingerprint(PLAIN, installed()) != Compiler.fingerprint(CONFLUENT, installed())
    assert Compiler.fingerprint(PLAIN, installed()) == Compiler.fingerprint(BOTH, installed())
    assert Compiler.fingerprint(PLAIN, installed()) != Compiler.fingerprint(PLAIN, {})


@pytest.mark.parametrize("two_hop", [False, True])
def test_a_banks_own_rule_may_be_raised_by_an_unknown_balance(tmp_path: Path, *, two_hop: bool) -> None:
    """Unless a rule says that it is not, what an entry carries is looked at though nothing was raised so far."""
    own = Rule("ALERT_DEBITED_ABOVE_THRESHOLD", lambda moved, _: moved.balance is None)
    bench = Bench(tmp_path, PLAIN, two_hop=two_hop, rules={own.alert_type: own})
    bench.fill({"A": ["anna"]}, {"anna": ROW})
    assert len(bench.process(message(PLAIN, ENTRY))[0]) == 2
    assert bench.process(message(PLAIN, ENTRY | {"BalanceAfterBookingNumeric": 1})) == ([], [])


def test_a_rule_that_breaks_is_named_in_the_dead_letter(tmp_path: Path) -> None:
    """The others of the partition go on."""
    own = Rule("ALERT_DEBITED_ABOVE_THRESHOLD", lambda moved, _: 1 // (moved.amount - 6) < 0)
    bench = Bench(tmp_path, PLAIN, two_hop=False, rules={own.alert_type: own})
    bench.fill({"A": ["anna"]}, {"anna": ROW})
    sent, dead = bench.process(message(PLAIN, ENTRY), message(PLAIN, ENTRY | {"bookingAmountNumeric": 5}))
    assert len(sent) == 2
    assert [one.header["ka-reason"] for one in dead] == ["rule-failed"]
    assert dead[0].header["ka-detail"] == "ALERT_DEBITED_ABOVE_THRESHOLD raised ZeroDivisionError."


def test_a_rule_that_breaks_takes_no_alert_of_another_rule(tmp_path: Path) -> None:
    """Neither of those asked before it nor of those after it, whoever asked; the entry is one dead letter."""
    broken = Rule("ALERT_BROKEN", lambda moved, _: 1 // (moved.amount - 6) < 0)
    bench = Bench(tmp_path, PLAIN, two_hop=False, rules={**installed(), broken.alert_type: broken})
    asked = [WISH, WISH | {"alertType": broken.alert_type}, WISH | {"amount": {"value": "4"}}]
    anna = ROW | {"accountAlertSettings": [ROW["accountAlertSettings"][0] | {"settings": asked}]}  # type: ignore[index]  # a literal
    bench.fill({"A": ["anna", "bram"]}, {"anna": anna, "bram": ROW | {"customerId": {"id": "bram"}}})
    sent, dead = bench.process(message(PLAIN, ENTRY))
    assert [said(PLAIN, one).customer for one in sent] == ["anna"] * 4 + ["bram"] * 2
    assert [one.header["ka-detail"] for one in dead] == ["ALERT_BROKEN raised ZeroDivisionError."]
