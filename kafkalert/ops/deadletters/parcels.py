"""What is written together: a record where it came from, and the notes that say so; all of it or nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kafkalert.errors import KafkalertError

MOST: Final = 200
MOST_BYTES: Final = 4 << 20
"""Of one transaction: readers of its partitions wait until it is over."""


@dataclass(frozen=True, slots=True)
class Out:
    """A record to be written. `partition` -1: by its key. `timestamp` in ms; 0: now."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, Any]]
    partition: int = -1
    timestamp: int = 0

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.key or b"") + len(self.value or b"") + sum(len(str(one)) for one in self.headers)


@dataclass(frozen=True, slots=True)
class Parcel:
    """The records that a letter asks for."""

    letter: str
    records: tuple[Out, ...]


class NotTakenError(KafkalertError):
    """The cluster does not take one of the records, and would not take it later; none of them was written."""


class Transactions(Protocol):
    """What writes parcels, all of them or none."""

    def write(self, parcels: Sequence[Parcel]) -> None:
        """Return once they are written.

        Raises NotTakenError where one cannot be; and KafkalertError where the cluster does not answer, or somebody else
        writes by now.
        """
        ...


def write_all(
    parcels: Iterable[Parcel],
    transactions: Transactions,
    taken: Callable[[str], None],
    not_taken: Callable[[str, str], None],
) -> None:
    """Write parcels in transactions of some hundred, in order; tell of each letter whether it was, and why not.

    One that the cluster does not take keeps no other back. Raises as `Transactions.write` does, but for NotTakenError.
    """
    batch: list[Parcel] = []
    size = 0
    for parcel in parcels:
        batch.append(parcel)
        size += sum(one.size for one in parcel.records)
        if len(batch) >= MOST or size >= MOST_BYTES:
            _write(batch, transactions, taken, not_taken)
            batch, size = [], 0
    _write(batch, transactions, taken, not_taken)


def _write(
    batch: Sequence[Parcel],
    transactions: Transactions,
    taken: Callable[[str], None],
    not_taken: Callable[[str, str], None],
) -> None:
    if not batch:
        return
    try:
        transactions.write(batch)
    except NotTakenError as error:
        if len(batch) == 1:
            not_taken(batch[0].letter, str(error))
            return
        half = len(batch) // 2
        _write(batch[:half], transactions, taken, not_taken)
        _write(batch[half:], transactions, taken, not_taken)
        return
    for parcel in batch:
        taken(parcel.letter)
