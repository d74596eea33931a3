"""Records that nobody should have written, each with the reason for which it has to be put away."""

from typing import Any, NamedTuple

from tests.support.data.rows import datum, debit, settings_row
from tests.support.reading import AUTHORISATIONS, CODEC, SETTINGS

ACCOUNT, OTHER = "NL00KAFK0000000001", "NL00KAFK0000000002"


class Poison(NamedTuple):
    """A record, and the reason for which it has to be put away."""

    topic: str
    reason: str
    value: bytes | None
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def entry_of(account: str, **other: Any) -> bytes:  # noqa: ANN401 - any field
    """An entry's value."""
    return CODEC.encode("AccountEntry", datum(debit(account, "-")) | other)


def key_of(record: str, text: str) -> bytes:
    """A key record."""
    return CODEC.encode(record, {"id": text})


KEY = key_of("AccountId", ACCOUNT)
GOOD = entry_of(ACCOUNT)
UNKNOWN = b"\xc3\x01" + bytes(8)
CONFLUENT = b"\x00\x00\x00\x00\x07"

IN_ENTRIES = (
    ("bad-bytes", GOOD[:10] + b"\xff" * 30, KEY),
    ("bad-bytes", GOOD[:-4], KEY),
    ("bad-bytes", GOOD[:10], KEY),
    ("trailing-bytes", GOOD + b"\x00", KEY),
    ("not-framed", b"{}", KEY),
    ("not-framed", GOOD[:9], KEY),
    ("empty", b"", KEY),
    ("unknown-fingerprint", UNKNOWN + GOOD[10:], KEY),
    ("no-registry", CONFLUENT + GOOD[10:], KEY),
    ("wrong-schema", CODEC.encode("CustomerIds", {"customerIds": []}), KEY),
    ("null", None, KEY),
    ("null", None, key_of("AccountId", "nobody's")),
    ("key-null", GOOD, None),
    ("key-empty", GOOD, b""),
    ("key-not-framed", GOOD, ACCOUNT.encode()),
    ("key-no-registry", GOOD, CONFLUENT + KEY[10:]),
    ("key-wrong-schema", GOOD, key_of("CustomerId", ACCOUNT)),
    ("key-length", entry_of(""), key_of("AccountId", "")),
    ("key-length", entry_of("x" * 600), key_of("AccountId", "x" * 600)),
    ("wrong-key", entry_of(OTHER), KEY),
    ("wrong-key", GOOD, key_of("AccountId", "nobody's")),
    ("bad-indicator", entry_of(ACCOUNT, bookingCreditDebitIndicator="?"), KEY),
)
# Of keys without a row: one that cannot be read takes the row of its key out of force.
IN_TABLES = (
    (AUTHORISATIONS, "key-empty", CODEC.encode("CustomerIds", {"customerIds": []}), b""),  # no key: no broker takes it
    (AUTHORISATIONS, "key-not-framed", None, ACCOUNT.encode()),
    (AUTHORISATIONS, "key-length", None, key_of("AccountId", "x" * 600)),
    (AUTHORISATIONS, "wrong-schema", GOOD, key_of("AccountId", OTHER)),
    (
        AUTHORISATIONS,
        "bad-bytes",
        CODEC.encode("CustomerIds", {"customerIds": [{"id": "c"}]})[:-1],
        key_of("AccountId", "else"),
    ),
    (
        SETTINGS,
        "wrong-key",
        CODEC.encode("CustomerAlertSettings", settings_row("bram", ACCOUNT)),
        key_of("CustomerId", "carl"),
    ),
    (SETTINGS, "key-length", None, key_of("CustomerId", "")),
    (SETTINGS, "unknown-fingerprint", UNKNOWN, key_of("CustomerId", "dora")),
    (SETTINGS, "key-wrong-schema", None, key_of("AccountId", "anna")),
)
ANNA = key_of("CustomerId", "anna")
IN_SECOND_HOP = (
    ("bad-bytes", GOOD[:-4], ANNA),
    ("null", None, ANNA),
    ("key-null", GOOD, None),
    ("key-length", GOOD, key_of("CustomerId", "x" * 600)),
    ("key-wrong-schema", GOOD, KEY),
    ("account-length", entry_of(""), ANNA),
    ("account-length", entry_of("x" * 600), ANNA),
    ("bad-indicator", entry_of(ACCOUNT, bookingCreditDebitIndicator=""), ANNA),
)
