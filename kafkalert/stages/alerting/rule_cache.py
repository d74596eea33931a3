"""Accounts by the keys of their entries, for as long as the tables stay as they are."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from kafkalert.errors import DecodingError
from kafkalert.serde.keys import KeyReader
from kafkalert.stages.alerting.account import Account, quick_filters
from kafkalert.stages.alerting.compiler import Compiler, split_row
from kafkalert.tables.kinds import checked_id
from kafkalert.tables.store import Store

MOST: Final = 20_000
"""Accounts kept; some kilobytes each, so this bounds memory while the accounts booked on most are nearly all kept."""
MOST_BYTES: Final = 128 << 20
"""Bytes of their keys and rules: a customer may have asked for much more than others do."""


class RuleCache:
    """Looks up accounts; rules that nobody needed yet are compiled, and kept in the store.

    What is kept here holds for one state of the store, known by the id of its last transaction: any change by anybody
    empties it. So an answer is always that of the newest tables. Of keys and rules it keeps some `most_bytes`.
    """

    def __init__(self, store: Store, compiler: Compiler, keys: KeyReader, *, most_bytes: int = MOST_BYTES) -> None:
        self._store = store
        self._compiler = compiler
        self._keys = keys
        self._kept: dict[bytes, Account] = {}
        self._named: dict[bytes | None, Account] = {}
        self._state = -1
        self._bytes, self._most_bytes = 0, most_bytes

    def by_key(self, keys: Sequence[bytes | None]) -> list[Account]:
        """Return the account of each key. Raises RebuildingError and ForeignTablesError, as `Store.check_whole`."""
        with self._store.read() as txn:
            self._renew(txn)
            named = self._named
            found: list[Any] = [*map(named.get, keys)]
            if all(found):
                return found
            ids = self._ids({key for key, account in zip(keys, found, strict=True) if account is None})
            missing = self._load(txn, ids.values())
        self._compile(missing)
        named.update((key, self._kept[own]) for key, own in ids.items())
        return [named[key] for key in keys]

    def by_id(self, ids: Collection[bytes]) -> Mapping[bytes, Account]:
        """Return the account of each id, as `by_key`."""
        with self._store.read() as txn:
            self._renew(txn)
            missing = self._load(txn, ids)
        self._compile(missing)
        return self._kept

    def _renew(self, txn: Any) -> None:  # noqa: ANN401 - an LMDB transaction
        self._store.check_whole(txn)
        state = txn.id()
        full = len(self._kept) > MOST or len(self._named) > MOST or self._bytes > self._most_bytes
        if full or state != self._state:
            self._kept, self._named, self._state, self._bytes = {}, {}, state, 0

    def _ids(self, keys: Iterable[bytes | None]) -> dict[bytes | None, bytes]:
        ids: dict[bytes | None, bytes] = {}
        for key in keys:
            self._bytes += len(key or b"")
            try:
                ids[key] = checked_id(self._keys, key)
            except DecodingError as error:
                self._named[key] = Account(b"", bad=error)
        return ids

    def _load(self, txn: Any, ids: Iterable[bytes]) -> set[bytes]:  # noqa: ANN401 - an LMDB transaction
        """Keep what is compiled already; which are not."""
        kept, get, compiled = self._kept, txn.get, self._store.compiled
        missing = set()
        for own in ids:
            if own not in kept:
                row = get(own, None, compiled)
                if row is None:
                    missing.add(own)
                else:
                    kept[own] = self._account(own, row)
        return missing

    def _compile(self, missing: Collection[bytes]) -> None:
        if missing:
            # The state that this makes is a newer one, so what is kept of it is dropped at the next look.
            made = self._store.compile_missing(missing, self._compiler.compile)
            self._kept.update((own, self._account(own, row)) for own, row in made.items())

    def _account(self, own: bytes, row: bytes) -> Account:
        self._bytes += len(own) + len(row)
        packed, rules = split_row(row)
        return Account(own, rules, quick_filters(packed))
