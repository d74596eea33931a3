"""`--grep FIELD=VALUE`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.errors import UsageError
from kafkalert.ops.masks import guard, guard_header
from kafkalert.ops.tail.grep import Filter, Grep
from kafkalert.ops.tail.record import Record

ALERT = Record(
    channel="email",
    topic="outboundemailmessage",
    partition=3,
    offset=17,
    timestamp=None,
    key=guard("EmailAddress", {"emailAddress": "jan.jansen@example.org"}),
    value=guard(
        "OutboundMessage",
        {
            "timestamp": 1,
            "customerId": {"id": "c1"},
            "messageType": "ALERT_DEBITED_ABOVE_THRESHOLD",
            "params": {"alert_settings_account_number": "NL20KAFK0000004300", "balance_amount": "1204.10"},
        },
    ),
    headers={"ka-id": "0a1b", "ka-entry": "e-1", "who": guard_header("who", b"somebody")},
    schema="OutboundMessage",
)


@pytest.mark.parametrize(
    "text",
    [
        "account=NL20KAFK0000004300",
        "account=***4300",
        "account=*4300",
        "params.alert_settings_account_number=***4300",
        "value=NL20KAFK0000004300",
        "email=jan.jansen@example.org",
        "emailAddress=j***@example.org",
        "key=*@example.org",
        "customer=c1",
        "customerId=c1",
        "value.customerId.id=c1",
        "type=ALERT_DEBITED_ABOVE_THRESHOLD",
        "messagetype=*DEBITED*",
        "balance_amount=1204.10",
        "value.timestamp=1",
        "id=0a1b",
        "entry=e-1",
        "headers.ka-id=0a1b",
        "who=somebody",
        "who=***",
        "partition=3",
        "channel=email",
    ],
)
def test_what_matches(text: str) -> None:
    """A value matches exactly in clear or as it is shown, a pattern what is shown; a field by any part of its path."""
    assert Filter((Grep.parse(text),)).passes(ALERT)


@pytest.mark.parametrize(
    "text",
    [
        "account=NL20KAFK000000430",  # a part is no match
        "account=NL20*",  # a pattern sees the mask alone
        "account=*KAFK*",
        "account=***0000",
        "email=*jansen*",
        "customer=c",
        "customer=C1",
        "type=DEBITED",
        "value.customerI=c1",
        "id=e-1",
        "who=some*",
        "partition=33",
        "nothing=x",
    ],
)
def test_what_does_not_match(text: str) -> None:
    """Parts of values and of names do not match, nor does a pattern on what a mask hides."""
    assert not Filter((Grep.parse(text),)).passes(ALERT)


def test_all_conditions_hold_together() -> None:
    """Several conditions are all needed, and a field that no record has is remembered."""
    both = Filter((Grep.parse("customer=c1"), Grep.parse("type=*DEBITED*")))
    one = Filter((Grep.parse("customer=c1"), Grep.parse("color=blue")))
    assert both.passes(ALERT)
    assert not both.unseen
    assert not one.passes(ALERT)
    assert one.unseen == {"color"}


@pytest.mark.parametrize("text", ["", "=", "=x", "account", " =x"])
def test_a_condition_needs_a_field_and_a_value(text: str) -> None:
    """Anything but FIELD=VALUE is wrong usage, and the message holds no value."""
    with pytest.raises(UsageError, match="FIELD=VALUE"):
        Grep.parse(text)


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=8))
def test_a_pattern_is_its_parts_in_order(pattern: str, text: str) -> None:
    """`*` stands for anything: the text is made of the pattern's parts in order, and begins and ends with the outer."""
    parts = pattern.split("*")
    at, found = 0, True
    for number, part in enumerate(parts):
        place = text.find(part, at) if number < len(parts) - 1 else max(at, len(text) - len(part))
        found = found and place >= 0 and text[place : place + len(part)] == part and (number > 0 or place == 0)
        at = place + len(part)
    assert Grep("x", pattern).matches(text) == (found and (len(parts) > 1 or pattern == text))


def test_a_pattern_of_many_parts_is_looked_for_once() -> None:
    """By trying all ways this would take longer than anybody waits."""
    assert not Grep("x", "*a" * 40 + "*b").matches("a" * 5000)
    assert Grep("x", "*a" * 40 + "*").matches("a" * 5000)
