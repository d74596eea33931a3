"""Decoded rules that are kept are always those of the newest tables."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kafkalert.rules.rule import Rule, Threshold
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import KeyReader, encode_key
from kafkalert.stages.alerting import rule_cache
from kafkalert.stages.alerting.account import Account
from kafkalert.stages.alerting.compiler import CompiledRule, of_currency, row_of
from kafkalert.stages.alerting.rule_cache import RuleCache
from kafkalert.tables.store import Store

FIRST, SECOND = b"NL01", b"NL02"
CODEC = Codec()
KEYS = KeyReader(CODEC, "AccountId")
RULE = Rule("ANY", lambda _moved, _threshold: True)


class FromRow:
    """Compiles an account's row into one rule whose threshold is the row's number."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls = 0

    def compile(self, txn: Any, account: bytes) -> bytes:  # noqa: ANN401 - an LMDB transaction
        """A row of one rule, or of none."""
        self.calls += 1
        raw = txn.get(account, db=self.store.authorisations)
        made = [] if raw is None else [CompiledRule(0, int(raw), "EUR", "C1", msgspec.Raw(b"\xc0"))]
        return row_of(made, [RULE])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, size=1 << 24, flavour=b"test")


def change(store: Store, account: bytes, number: int | None) -> None:
    """What a follower does when a row changes."""
    with store.write() as txn:
        if number is None:
            txn.delete(account, db=store.authorisations)
        else:
            txn.put(account, str(number).encode(), db=store.authorisations)
        txn.delete(account, db=store.compiled)


def new_cache(store: Store, compiler: FromRow, most_bytes: int = rule_cache.MOST_BYTES) -> RuleCache:
    return RuleCache(store, compiler, KEYS, most_bytes=most_bytes)  # type: ignore[arg-type]  # only `compile` is used


def said(account: Account) -> list[Threshold]:
    return [one.threshold for one in of_currency(account.rules, "EUR")] if account.rules else []


def thresholds(cache: RuleCache, *accounts: bytes) -> list[list[Threshold]]:
    """By key and by id, which have to agree."""
    keys = [encode_key(CODEC, "AccountId", one.decode()) for one in accounts]
    by_key = [said(account) for account in cache.by_key(keys)]
    found = cache.by_id(accounts)
    assert by_key == [said(found[one]) for one in accounts]
    return by_key


def test_a_change_by_anybody_is_seen_at_the_next_look(store: Store) -> None:
    """A row that another writer changes, adds or deletes decides from the next look on."""
    maker = FromRow(store)
    cache = new_cache(store, maker)
    change(store, FIRST, 1)
    for _ in range(3):
        assert thresholds(cache, FIRST, SECOND) == [[1], []]
    change(store, FIRST, 2)
    assert thresholds(cache, FIRST, SECOND) == [[2], []]
    change(store, SECOND, 3)
    assert thresholds(cache, FIRST, SECOND) == [[2], [3]]
    change(store, FIRST, None)
    assert thresholds(cache, FIRST, SECOND) == [[], [3]]


def test_while_nothing_changes_nothing_is_compiled_or_decoded_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks after the second read neither rows nor bytes."""
    maker = FromRow(store)
    cache = new_cache(store, maker)
    change(store, FIRST, 1)
    thresholds(cache, FIRST)  # compiles, which changes the store
    thresholds(cache, FIRST)  # decodes
    monkeypatch.setattr(rule_cache, "split_row", None)
    assert thresholds(cache, FIRST) == [[1]]
    assert maker.calls == 1


def test_the_cache_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many accounts come, no more are kept than one look and the bound together."""
    monkeypatch.setattr(rule_cache, "MOST", 10)
    cache = new_cache(store, FromRow(store))
    for number in range(100):
        thresholds(cache, str(number).encode())
        assert len(cache._kept) <= 11
        assert len(cache._named) <= 11


def test_the_cache_is_bounded_by_bytes_too(store: Store) -> None:
    """Also by those of keys that name nobody."""
    cache = new_cache(store, FromRow(store), most_bytes=10_000)
    for number in range(100):
        cache.by_key([bytes(2_000) + str(number).encode()])
        assert len(cache._named) <= 6
    for number in range(100):
        cache.by_id([b"A" * 400 + str(number).encode()])
        assert len(cache._kept) <= 30


def test_keys_that_name_no_account_say_why(store: Store) -> None:
    """Each key has its own answer; those that are none have no rules, and the reason."""
    cache = new_cache(store, FromRow(store))
    change(store, FIRST, 1)
    good = encode_key(CODEC, "AccountId", FIRST.decode())
    bad: list[bytes | None] = [None, b"", good[:-1], good + b"x", encode_key(CODEC, "AccountId", "")]
    for _ in range(2):
        found = dict(zip([good, *bad], cache.by_key([good, *bad]), strict=True))
        assert found[good].id == FIRST
        assert found[good].bad is None
        for key in bad:
            assert found[key].quick_filters == {}
            reason = found[key].bad
            assert reason is not None
            assert reason.code.startswith("key-")
