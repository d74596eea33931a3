"""A record for people: whom it is for, and what happened."""

import json
from typing import Any, Final

from kafkalert.model.personal import Personal
from kafkalert.ops.masks import Tree, reveal
from kafkalert.ops.tail.record import Record
from kafkalert.ops.wording import LONGEST, alert_words, counted, entry_words, harmless

_ROWS: Final = frozenset({"CustomerIds", "CustomerAlertSettings"})
"""Values of the compacted topics, where a record without one deletes its key's row."""


def address(record: Record, *, unmask: bool = False) -> str:
    """Whom the record is for, by its key: an address, a device, a customer or an account. Masked unless `unmask`."""
    key = reveal(record.key) if unmask else record.key
    if not isinstance(key, dict):
        return "" if key is None else harmless(key)
    if "pushId" in key:
        return harmless(f"{key.get('deviceType', '')} {key['pushId']}".strip())
    return harmless(next(iter(key.values()), ""))


def words(record: Record, *, unmask: bool = False, room: int = LONGEST) -> str:
    """Return what the record tells, in a sentence without control characters. Masked unless `unmask`.

    `room`: how many characters of a record that has no words of its own.
    """
    value: Any = record.value
    if value is None:
        return _nothing(record)
    if record.schema == "OutboundMessage":
        return alert_words(value["messageType"], reveal(value["params"]), unmask=unmask)
    if record.schema == "AccountEntry":
        known = record.headers.get("ka-balance") != "unknown"
        sentence = entry_words(reveal(value), balance_known=known, unmask=unmask)
        return _dead(record, sentence) if "ka-reason" in record.headers else sentence
    if record.schema == "CustomerIds":
        customers = [harmless(customer["id"]) for customer in value["customerIds"]]
        return f"Seen by {', '.join(customers) or 'nobody'}"
    if record.schema == "CustomerAlertSettings":
        return _settings(value)
    return _dead(record, "") if "ka-reason" in record.headers else _anything(value, unmask=unmask, room=room)


def _nothing(record: Record) -> str:
    """Return what a record without a value tells."""
    if "ka-reason" in record.headers:
        return _dead(record, "")
    if "ka-done" in record.headers:
        done, letter = (harmless(record.headers.get(name, "?")) for name in ("ka-done", "ka-letter"))
        return f"An operator {done} the dead letter {letter}"
    return "Deleted" if record.schema in _ROWS else "No value"


def _settings(value: Tree) -> str:
    accounts = value["accountAlertSettings"]
    alerts = sum(len(account["settings"]) for account in accounts)
    addresses = counted(len(value["addresses"]), "address")
    return f"{counted(alerts, 'alert')} on {counted(len(accounts), 'account')}, to {addresses}"


def _dead(record: Record, sentence: str) -> str:
    """Return what the headers of a dead letter say: stage, place, reason; codes and field paths, never values."""
    said = {name: harmless(text) for name, text in record.headers.items()}
    place = f"{said.get('ka-topic', '?')}[{said.get('ka-partition', '?')}]@{said.get('ka-offset', '?')}"
    reason = f"{said.get('ka-stage', 'A stage')} put away {place}: {said['ka-reason']}"
    return f"{reason}; {sentence}" if sentence else reason


def _anything(value: Tree, *, unmask: bool, room: int) -> str:
    shown = reveal(value) if unmask else value
    if isinstance(shown, dict | list):
        return harmless(json.dumps(shown, default=str, ensure_ascii=False), room)
    if isinstance(shown, Personal):
        return f"{len(shown.reveal().encode()):,} bytes that are no known record"
    return harmless(shown, room)
