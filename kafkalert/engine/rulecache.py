"""Accounts by the keys of their entries, with their compiled rules, for as long as the tables stay as they are."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from kafkalert.engine.compiled import CompiledRule, Compiler, Sending, decode, sending
from kafkalert.engine.store import Store
from kafkalert.engine.tables import checked_id
from kafkalert.errors import DecodingError
from kafkalert.rules.rule import Movement, Rule, Threshold
from kafkalert.serde.keys import KeyReader
from kafkalert.serde.wire import bytes_text

MOST: Final = 20_000
"""Accounts kept; some kilobytes each, so this bounds memory while the accounts booked on most are nearly all kept."""


class Ready:
    """A compiled rule, with what it sends once raised."""

    __slots__ = ("_compiled", "_sending", "rule")

    def __init__(self, compiled: CompiledRule, rule: Rule) -> None:
        self.rule = rule
        self._compiled = compiled
        self._sending: Sending | None = None

    @property
    def customer(self) -> str:
        """Who asked for it."""
        return self._compiled.customer

    @property
    def sending(self) -> Sending:
        """What it sends; unpacked the first time, because most are never raised."""
        if self._sending is None:
            self._sending = sending(self._compiled)
        return self._sending


Asked = tuple[Callable[[Movement, Threshold], bool], Threshold, Ready]
"""A rule as it is asked: whether a movement raises it, by which threshold, and itself."""


class Account:
    """An account that a key names: its id as UTF-8 and as Avro text, and its rules by their currency (UTF-8).

    `bad` says why a key names none.
    """

    __slots__ = ("bad", "id", "rules", "text")

    def __init__(
        self, own: bytes, rules: Mapping[bytes, Sequence[Asked]] | None = None, bad: DecodingError | None = None
    ) -> None:
        self.id = own
        self.text = bytes_text(own)
        self.rules = rules or {}
        self.bad = bad


class RuleCache:
    """Looks up accounts; rules that nobody needed yet are compiled, and kept in the store.

    What is kept here holds for one state of the store, known by the id of its last transaction: any change by anybody
    empties it. So an answer is always that of the newest tables.
    """

    def __init__(self, store: Store, compiler: Compiler, keys: KeyReader, rules: Sequence[Rule]) -> None:
        self._store = store
        self._compiler = compiler
        self._keys = keys
        self._rules = rules
        self._kept: dict[bytes, Account] = {}
        self._named: dict[bytes | None, Account] = {}
        self._state = -1

    def by_key(self, keys: Iterable[bytes | None]) -> Mapping[bytes | None, Account]:
        """The account of each key, perhaps of others too; good until the next call.

        Raises RebuildingError and ForeignTablesError, as `Store.check_whole`.
        """
        with self._store.read() as txn:
            self._renew(txn)
            named = self._named
            new = set(keys).difference(named)
            if not new:
                return named
            ids = self._ids(new)
            missing = self._load(txn, ids.values())
        self._compile(missing)
        named.update((key, self._kept[own]) for key, own in ids.items())
        return named

    def by_id(self, ids: Collection[bytes]) -> Mapping[bytes, Account]:
        """The account of each id, as `by_key`."""
        with self._store.read() as txn:
            self._renew(txn)
            missing = self._load(txn, ids)
        self._compile(missing)
        return self._kept

    def _renew(self, txn: Any) -> None:  # noqa: ANN401 - an LMDB transaction
        self._store.check_whole(txn)
        state = txn.id()
        if state != self._state or len(self._kept) > MOST or len(self._named) > MOST:
            self._kept, self._named, self._state = {}, {}, state

    def _ids(self, keys: Iterable[bytes | None]) -> dict[bytes | None, bytes]:
        ids: dict[bytes | None, bytes] = {}
        for key in keys:
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
        rules: dict[bytes, list[Asked]] = {}
        for one in decode(row):
            rule = self._rules[one.rule]
            rules.setdefault(one.currency.encode(), []).append((rule.raised, one.number, Ready(one, rule)))
        return Account(own, rules)
