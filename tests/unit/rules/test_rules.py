"""Rules and plan against an independent statement of the same thing."""

from itertools import product
from typing import Any

from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kafkalert.model.ids import CustomerId
from kafkalert.model.money import major
from kafkalert.model.personal import AccountId, EmailAddress, PhoneNumber
from kafkalert.model.records import (
    AccountAlertSettings,
    Address,
    AlertSetting,
    Channel,
    CustomerAlertSettings,
    address_text,
    channel_of,
)
from kafkalert.rules.plan import (
    BAD_AMOUNT,
    MOST_CHARACTERS,
    MOST_MESSAGES,
    NO_AMOUNT,
    TOO_MUCH,
    UNKNOWN_CHANNEL,
    UNKNOWN_TYPE,
    Planned,
    plan,
    threshold,
    threshold_text,
)
from kafkalert.rules.rule import installed, movement
from kafkalert.sandbox.expected import Expected, _number, _plain, expected

ACCOUNTS = ("NL01KAFK0000000001", "NL02KAFK0000000002")
CUSTOMERS = ("c1", "c2", "c3")
CURRENCIES = ("EUR", "EUR", "JPY", "KWD")
TYPES = (
    "ALERT_BALANCE_ABOVE_THRESHOLD",
    "ALERT_BALANCE_BELOW_THRESHOLD",
    "ALERT_DEBITED_ABOVE_THRESHOLD",
    "ALERT_CREDITED_ABOVE_THRESHOLD",
)
# Most settings are of use and most thresholds low, so that many examples raise alerts.
SMALL = st.integers(-3, 9)
BALANCES = SMALL | st.integers(-(2**63), 2**63 - 1)
BOOKED = st.integers(0, 20) | st.integers(0, 2**63 - 1)
NUMBERS = st.one_of(
    SMALL.map(str),
    SMALL.map(lambda n: f"{n}.00"),
    SMALL.map(lambda n: f"{n}.50"),
    st.sampled_from(["100.50", "-5", "+7", "1000.00", "1000", "007", "-0", "-0.0", "3.", ".5", "-.5", "10.10", "10.1"]),
    st.sampled_from(["-" + "9" * 40, "-" + "9" * 41, "-1." + "0" * 40, "-1." + "0" * 41, "-." + "1" * 40]),
    st.from_regex(r"[+-]?[0-9]{1,45}(\.[0-9]{0,45})?", fullmatch=True),
)
JUNK = st.sampled_from(["", " ", "1e3", "1,5", "٣", "NaN", "-", ".", "+.", "--1", "1 ", "0x10", "1_0", "Infinity"])
AMOUNTS = st.one_of(
    *[NUMBERS.map(lambda text: {"value": text})] * 4,
    st.builds(lambda text: {"value": text}, JUNK | st.text(max_size=4)),
    st.none(),
)
CHANNELS: st.SearchStrategy[list[Channel]] = st.lists(
    st.sampled_from(sorted(Channel)), min_size=2, max_size=4
) | st.just([])
WISHES = st.fixed_dictionaries(
    {"alertType": st.sampled_from([*TYPES * 2, "ALERT_CARD_ABROAD"]), "channels": CHANNELS, "amount": AMOUNTS}
)
ADDRESSES = st.one_of(
    st.sampled_from([{"emailAddress": "a@example.org"}, {"emailAddress": "b@example.org"}, {"emailAddress": ""}]),
    st.sampled_from([{"phoneNumber": "+31600000001"}, {"phoneNumber": "+31600000002"}]),
    st.sampled_from([{"id": "c1"}, {"id": "c2"}]),
)


def settings_row(customer: str) -> st.SearchStrategy[dict[str, Any]]:
    account = st.fixed_dictionaries(
        {
            "account": st.sampled_from(ACCOUNTS).map(lambda text: {"id": text}),
            "currency": st.sampled_from(CURRENCIES).map(lambda text: {"symbol": text}),
            "settings": st.lists(WISHES, min_size=2, max_size=6),
        }
    )
    return st.fixed_dictionaries(
        {
            "customerId": st.just({"id": customer}),
            "addresses": st.lists(ADDRESSES.map(lambda address: {"address": address}), min_size=2, max_size=6),
            "accountAlertSettings": st.lists(account, min_size=2, max_size=5),
        }
    )


ENTRIES = st.fixed_dictionaries(
    {
        "accountId": st.sampled_from([ACCOUNTS[0], *ACCOUNTS]),
        "accountCurrency": st.sampled_from(CURRENCIES),
        "bookingAmountNumeric": BOOKED,
        "bookingCreditDebitIndicator": st.sampled_from(["DBIT", "CRDT"]),
        "BalanceAfterBookingNumeric": st.one_of(BALANCES, BALANCES, st.none()),
    }
)
MAY_SEE = st.lists(st.sampled_from(CUSTOMERS), min_size=2, max_size=5)
AUTHORISATIONS = st.fixed_dictionaries({ACCOUNTS[0]: MAY_SEE}, optional={ACCOUNTS[1]: MAY_SEE})
SETTINGS = st.fixed_dictionaries(
    {"c1": settings_row("c1")}, optional={"c2": st.none() | settings_row("c2"), "c3": settings_row("c3")}
)


def as_address(datum: dict[str, str]) -> Address:
    if "emailAddress" in datum:
        return EmailAddress(datum["emailAddress"])
    return PhoneNumber(datum["phoneNumber"]) if "phoneNumber" in datum else CustomerId(datum["id"])


def as_settings(datum: dict[str, Any]) -> CustomerAlertSettings:
    return CustomerAlertSettings(
        CustomerId(datum["customerId"]["id"]),
        tuple(as_address(one["address"]) for one in datum["addresses"]),
        tuple(
            AccountAlertSettings(
                AccountId(one["account"]["id"]),
                one["currency"]["symbol"],
                tuple(
                    AlertSetting(
                        wish["alertType"], frozenset(wish["channels"]), wish["amount"] and wish["amount"]["value"]
                    )
                    for wish in one["settings"]
                ),
            )
            for one in datum["accountAlertSettings"]
        ),
    )


def raised(
    entry: dict[str, Any], customers: list[str], settings: dict[CustomerId, CustomerAlertSettings]
) -> list[Expected]:
    """What plan and rules make of an entry, in the statement's terms."""
    account, currency = AccountId(entry["accountId"]), entry["accountCurrency"]
    amount, balance = entry["bookingAmountNumeric"], entry["BalanceAfterBookingNumeric"]
    planned, _ = plan(account, map(CustomerId, customers), settings, installed())
    move = movement(amount, balance, credit=entry["bookingCreditDebitIndicator"] == "CRDT")
    alerts = []
    for one in planned:
        rule = installed()[one.alert_type]
        if one.currency != currency or not rule.raised(move, one.threshold):
            continue
        params = {
            "alert_settings_account_number": account.reveal(),
            "alert_settings_account_account": currency,
            "alert_settings_amount": major(one.threshold, currency),
            "alert_settings_amount_currency": currency,
        }
        if balance is not None:
            params["balance_amount"] = major(balance, currency)
            params["balance_amount_currency"] = currency
        if rule.shows_amount:
            params["alert_amount_amount"] = major(amount, currency)
            params["alert_amount_amount_currency"] = currency
        alerts += [
            Expected(
                one.customer,
                channel_of(address).value,
                address_text(address),
                one.alert_type,
                threshold_text(one.threshold),
                frozenset(params.items()),
            )
            for address in one.addresses
        ]
    return alerts


@hypothesis_settings(max_examples=600, deadline=None)
@given(ENTRIES, AUTHORISATIONS, SETTINGS)
def test_rules_equal_the_independent_statement(
    entry: dict[str, Any], authorisations: dict[str, list[str]], settings: dict[str, dict[str, Any] | None]
) -> None:
    """For any entry, authorisations and settings the alerts are those of the statement, each of them once."""
    rows = {CustomerId(name): as_settings(row) for name, row in settings.items() if row}
    alerts = raised(entry, authorisations.get(entry["accountId"], []), rows)
    assert len(alerts) == len(set(alerts))
    assert set(alerts) == expected(entry, authorisations, settings)


def one_wish(alert_type: str, amount: str | None, **entry: Any) -> set[Expected]:  # noqa: ANN401 - fields of any kind
    """The statement's alerts where one customer with one address asked for one thing."""
    wish = {"alertType": alert_type, "channels": ["SMS"], "amount": amount and {"value": amount}}
    account = {"account": {"id": "A"}, "currency": {"symbol": "EUR"}, "settings": [wish]}
    row = {"addresses": [{"address": {"phoneNumber": "+316"}}], "accountAlertSettings": [account]}
    booking = {"accountId": "A", "accountCurrency": "EUR", "bookingAmountNumeric": 100, **entry}
    return expected(booking, {"A": ["c"]}, {"c": row})


def test_edges_of_every_rule() -> None:
    """Around each threshold, whole and between two minor units, rules and statement agree on every booking."""
    for alert_type, half, credit, amount, balance in product(
        TYPES, range(-6, 7), (True, False), range(4), range(-4, 5)
    ):
        number = threshold(f"{'-' if half < 0 else ''}{abs(half) // 2}.{5 * (abs(half) % 2)}")
        assert number is not None
        move = movement(amount, balance, credit=credit)
        stated = one_wish(
            alert_type,
            threshold_text(number),
            bookingAmountNumeric=amount,
            bookingCreditDebitIndicator="CRDT" if credit else "DBIT",
            BalanceAfterBookingNumeric=balance,
        )
        assert installed()[alert_type].raised(move, number) == bool(stated), (alert_type, number, move)


def test_the_statement_by_hand() -> None:
    """The statement itself says what the table of docs/rules.md says, at the edges."""
    debit: dict[str, Any] = {"bookingCreditDebitIndicator": "DBIT"}
    credit: dict[str, Any] = {"bookingCreditDebitIndicator": "CRDT"}
    assert not one_wish(TYPES[0], "500", **credit, BalanceAfterBookingNumeric=500)
    assert one_wish(TYPES[0], "500", **credit, BalanceAfterBookingNumeric=501)
    assert one_wish(TYPES[0], "500", **credit, BalanceAfterBookingNumeric=600)
    assert not one_wish(TYPES[0], "500", **credit, BalanceAfterBookingNumeric=601)
    assert not one_wish(TYPES[1], "500", **debit, BalanceAfterBookingNumeric=500)
    assert one_wish(TYPES[1], "500", **debit, BalanceAfterBookingNumeric=499)
    assert one_wish(TYPES[1], "500", **debit, BalanceAfterBookingNumeric=400)
    assert not one_wish(TYPES[1], "500", **debit, BalanceAfterBookingNumeric=399)
    assert not one_wish(TYPES[1], "500", **debit, BalanceAfterBookingNumeric=None)
    assert one_wish(TYPES[2], "99.99", **debit)
    assert not one_wish(TYPES[2], "100.00", **debit)
    assert not one_wish(TYPES[2], "99", **credit)
    assert one_wish(TYPES[3], "-5", **credit)
    (alert,) = one_wish(TYPES[2], "+050.50", **debit, BalanceAfterBookingNumeric=-5)
    assert alert == Expected(
        *("c", "SMS", "+316", TYPES[2], "50.5"),
        frozenset(
            {
                "alert_settings_account_number": "A",
                "alert_settings_account_account": "EUR",
                "alert_settings_amount": "0.505",
                "alert_settings_amount_currency": "EUR",
                "balance_amount": "-0.05",
                "balance_amount_currency": "EUR",
                "alert_amount_amount": "1.00",
                "alert_amount_amount_currency": "EUR",
            }.items()
        ),
    )


def test_useless_settings_are_skipped_and_counted() -> None:
    """No amount, unknown type or channel, or a threshold that is no number skips that setting alone, counted."""
    wishes = [
        AlertSetting(TYPES[3], frozenset({Channel.PUSH}), None),
        AlertSetting("ALERT_CARD_ABROAD", frozenset({Channel.PUSH}), "1"),
        AlertSetting(TYPES[3], frozenset({Channel.PUSH}), "much"),
        AlertSetting(TYPES[3], frozenset({Channel.PUSH}), "4", newer=True),
        AlertSetting(TYPES[3], frozenset({Channel.PUSH}), "5"),
    ]
    account = AccountId(ACCOUNTS[0])
    customer = CustomerId("c1")
    row = CustomerAlertSettings(customer, (customer,), (AccountAlertSettings(account, "EUR", tuple(wishes)),))
    planned, skipped = plan(account, [customer], {customer: row}, installed())
    assert [one.threshold for one in planned] == [5]
    assert skipped == {NO_AMOUNT: 1, UNKNOWN_TYPE: 1, BAD_AMOUNT: 1, UNKNOWN_CHANNEL: 1}


def much(addresses: list[str], wishes: list[AlertSetting], currency: str = "EUR") -> tuple[list[Planned], int]:
    """What is planned for one customer with these e-mail addresses, and how many alerts were too much."""
    account, customer = AccountId(ACCOUNTS[0]), CustomerId("c1")
    asked = (AccountAlertSettings(account, currency, tuple(wishes)),)
    row = CustomerAlertSettings(customer, (*map(EmailAddress, addresses), customer), asked)
    planned, skipped = plan(account, [customer], {customer: row}, installed())
    assert skipped.keys() <= {TOO_MUCH}
    return planned, skipped[TOO_MUCH]


def wish(number: int, channel: Channel = Channel.EMAIL) -> AlertSetting:
    return AlertSetting(TYPES[3], frozenset({channel}), str(number))


def test_a_customer_with_an_address_for_each_of_a_thousand_settings_gets_the_first_ones() -> None:
    """Addresses times settings is the machine's memory; what fits is taken in the settings' order."""
    planned, skipped = much([f"{one:x}" for one in range(400)], [*map(wish, range(2000)), wish(5000, Channel.PUSH)])
    assert [one.threshold for one in planned] == [0, 1, 5000]
    assert sum(len(one.addresses) for one in planned) <= MOST_MESSAGES
    assert skipped == 1998


def test_the_bound_itself_is_allowed() -> None:
    """A thousand messages, and not one more."""
    addresses = [str(one) for one in range(10)]
    planned, skipped = much(addresses, [*map(wish, range(100))])
    assert (len(planned), skipped) == (100, 0)
    assert much(addresses, [*map(wish, range(101))]) == (planned, 1)


def test_long_texts_are_bounded_alike() -> None:
    """Few messages may be as much as many."""
    assert [len(much(["a" * (MOST_CHARACTERS - more)], [wish(1)])[0]) for more in (3, 2)] == [1, 0]
    planned, skipped = much(["a"], [*map(wish, range(50))], "E" * (MOST_CHARACTERS // 10))
    assert (len(planned), skipped) == (9, 41)


@given(NUMBERS | JUNK | st.text(max_size=4))
@example("9" * 40)
@example("9" * 5000)  # more than Python reads, by an error of its own
@example("-" + "9" * 41)
@example("-1." + "0" * 41)
@example("1" * 40 + "." + "1" * 40)
def test_thresholds_are_read_as_stated(text: str) -> None:
    """Any text is the same number, or no number, to the rules and to the statement, and is written the same way."""
    number, stated = threshold(text), _number(text)
    assert number == stated
    if number is not None and stated is not None:
        assert threshold_text(number) == _plain(stated)


@given(NUMBERS)
@example("1000.00")
@example("-0.000")
def test_equal_thresholds_are_written_alike(text: str) -> None:
    """A threshold's text does not depend on how the customer wrote the number, and says the same number."""
    number = threshold(text)
    if number is not None:
        padded = text if "." in text else text + "."
        again = threshold(padded + "0")
        assert again is None or threshold_text(again) == threshold_text(number)
        assert threshold(threshold_text(number)) == number
