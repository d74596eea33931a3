"""Compiled rules by account, decoded, for as long as the tables stay as they are."""

from collections.abc import Iterable
from typing import Final

from kafkalert.engine.compiled import CompiledRule, Compiler, decode
from kafkalert.engine.store import Store

MOST: Final = 20_000
"""Accounts kept; some kilobytes each, so this bounds memory while the accounts booked on most are nearly all kept."""

Rules = tuple[CompiledRule, ...]


class RuleCache:
    """Looks up rules of accounts; those that nobody needed yet are compiled, and kept in the store.

    What is kept here holds for one state of the store, known by the id of its last transaction: any change by anybody
    empties it. So an answer is always that of the newest tables.
    """

    def __init__(self, store: Store, compiler: Compiler) -> None:
        self._store = store
        self._compiler = compiler
        self._kept: dict[bytes, Rules] = {}
        self._state = -1

    def rules(self, accounts: Iterable[bytes]) -> dict[bytes, Rules]:
        """The rules of each account, by one state of the tables.

        Raises RebuildingError and ForeignTablesError, as `Store.check_whole`.
        """
        found: dict[bytes, Rules] = {}
        missing: list[bytes] = []
        with self._store.read() as txn:
            self._store.check_whole(txn)
            state = txn.id()
            if state != self._state or len(self._kept) > MOST:
                self._kept, self._state = {}, state
            kept, get, compiled = self._kept, txn.get, self._store.compiled
            for account in accounts:
                rules = kept.get(account)
                if rules is None:
                    row = get(account, None, compiled)
                    if row is None:
                        missing.append(account)
                        continue
                    rules = kept[account] = decode(row)
                found[account] = rules
        if missing:
            made = self._store.compile_missing(missing, self._compiler.compile)
            found |= {account: decode(row) for account, row in made.items()}
        return found
