"""`--grep FIELD=VALUE`: which records are shown, by what is in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from kafkalert.errors import UsageError
from kafkalert.model.personal import AccountId, EmailAddress, Personal, PhoneNumber
from kafkalert.ops.masks import PushToken, Tree
from kafkalert.ops.tail.record import Record

KINDS: dict[str, type[Personal]] = {
    "account": AccountId,
    "email": EmailAddress,
    "phone": PhoneNumber,
    "device": PushToken,
}
"""Fields that stand for every place where a record has such a thing."""

NAMES: dict[str, tuple[str, ...]] = {
    "customer": ("customerid", "customerids", "key.id"),
    "type": ("messagetype",),
    "entry": ("headers.ka-entry", "headers.ka-id"),
    "id": ("headers.ka-id",),
}
"""Short names for fields that the schemas call otherwise."""

HINT = "Write --grep account='*4300', --grep type='*DEBITED*', --grep headers.ka-id=..., or another field of the JSON."


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a record: its path in lower case with a dot at each end (".value.accountid."), and itself."""

    path: str
    value: Tree


@dataclass(frozen=True, slots=True)
class Grep:
    """One condition. VALUE is matched exactly, in clear or as it is shown; with `*` for anything, as it is shown."""

    field: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the condition that FIELD=VALUE states. Raises UsageError."""
        field, equals, value = text.partition("=")
        if not (field.strip() and equals):
            raise UsageError("--grep wants FIELD=VALUE.", hint=HINT)
        return cls(field.strip().lower(), value)

    def concerns(self, leaf: Leaf) -> bool:
        """Whether the condition's field is this value, or holds it."""
        kind = KINDS.get(self.field)
        if kind is not None and isinstance(leaf.value, kind):
            return True
        return any(f".{name}." in leaf.path for name in NAMES.get(self.field, (self.field,)))

    def matches(self, value: Tree) -> bool:
        """Whether VALUE is this value."""
        shown = "" if value is None else str(value)
        if self.value == shown or (isinstance(value, Personal) and self.value == value.reveal()):
            return True
        if "*" not in self.value:
            return False
        return _fits(self.value.split("*"), shown)


def _fits(parts: list[str], text: str) -> bool:
    """Whether `text` has `parts` in this order, the first at its start, the last at its end, and anything between them.

    Each is looked for once: where it stands first leaves the most room for the others.
    """
    first, *inner, last = parts
    if not text.startswith(first):
        return False
    at = len(first)
    for part in inner:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(last) and text.endswith(last)


class Filter:
    """All conditions together: each has to hold for some value of the record.

    `unseen` are the fields that no record had so far: misspelt, or of other topics.
    """

    def __init__(self, conditions: tuple[Grep, ...]) -> None:
        self._conditions = conditions
        self.unseen = {condition.field for condition in conditions}

    def passes(self, record: Record) -> bool:
        """Whether the record is shown."""
        if not self._conditions:
            return True
        leaves = list(_leaves(record))
        passed = True
        for condition in self._conditions:
            values = [leaf.value for leaf in leaves if condition.concerns(leaf)]
            if values:
                self.unseen.discard(condition.field)
            passed = passed and any(map(condition.matches, values))
        return passed


def _leaves(record: Record) -> Iterator[Leaf]:
    for name in ("channel", "topic", "partition", "offset"):
        yield Leaf(f".{name}.", getattr(record, name))
    for name in ("key", "value", "headers"):
        yield from _walk(f".{name}.", getattr(record, name))


def _walk(path: str, tree: Tree) -> Iterator[Leaf]:
    if isinstance(tree, dict):
        for name, part in tree.items():
            yield from _walk(f"{path}{name.lower()}.", part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _walk(path, part)
    else:
        yield Leaf(path, tree)
