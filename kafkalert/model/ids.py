"""Names of things, and the ids by which a record is known on both clusters."""

from hashlib import blake2b
from struct import pack
from typing import NewType

CustomerId = NewType("CustomerId", str)
EntryId = NewType("EntryId", str)
AlertId = NewType("AlertId", str)

ID_BYTES = 16
"""Length of a made id; it travels as twice as many hex digits."""


def prefixed(part: str | bytes) -> bytes:
    """One part of what is hashed: its length in four bytes (big endian), then itself (text as UTF-8)."""
    raw = part.encode() if isinstance(part, str) else part
    return pack(">I", len(raw)) + raw


def entry_id(own_key: bytes, key: bytes | None, value: bytes | None, timestamp: int) -> EntryId:
    """Return the id of an entry that came without one: equal for equal key, value and timestamp (ms), on any cluster.

    It is keyed by `own_key` as `alert_id` is: it is shown, and who knows amount and time could try out accounts.
    """
    data = prefixed(key or b"") + prefixed(value or b"") + pack(">q", timestamp)
    return EntryId(blake2b(data, key=own_key, digest_size=ID_BYTES).hexdigest())


def alert_suffix(customer: CustomerId, alert_type: str, threshold: str, channel: str, address: str) -> bytes:
    """All that `alert_id` hashes after the entry's id; the same for every entry, so it is made once a rule."""
    return prefixed(customer) + asked_bytes(alert_type, threshold) + reach_bytes(channel, address)


def asked_bytes(alert_type: str, threshold: str) -> bytes:
    """Return the part of `alert_suffix` that all have who ask alike."""
    return prefixed(alert_type) + prefixed(threshold)


def reach_bytes(channel: str, address: str) -> bytes:
    """Return the part of `alert_suffix` that all alerts to an address have."""
    return prefixed(channel) + prefixed(address)


def alert_id(key: bytes, entry: EntryId, suffix: bytes) -> AlertId:
    """Return the id of the alert that `entry` raises for one address: keyed BLAKE2b (RFC 7693), 128 bits, as hex.

    The same entry processed twice gives the same id; without the key an id tells nothing about an address.
    """
    own = alert_hash(key)
    own.update(prefixed(entry) + suffix)
    return AlertId(own.hexdigest())


def alert_hash(key: bytes) -> "blake2b":
    """Return the hash that `alert_id` feeds; where there are many, a copy of one made once takes half the time."""
    return blake2b(key=key, digest_size=ID_BYTES)


def customer_entry_id(key: bytes, entry: EntryId, customer: CustomerId) -> str:
    """Return the id of the record by which two-hop mode says that `customer` needs `entry` processed."""
    return blake2b(prefixed(entry) + prefixed(customer), key=key, digest_size=ID_BYTES).hexdigest()
