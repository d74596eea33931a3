"""The threads that read the control logs: nothing that stands there ends one, and an end is seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from kafkalert.bus.control.event import DEEPEST, decode, encode
from kafkalert.bus.control.log import ControlLog
from kafkalert.engine.active import ActiveCluster
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import DecodingError, KafkalertError
from kafkalert.ops.failover.status.watch import Watch
from tests.support.fakes.control import SETTINGS, FakeConsumer, forced, planned

SECONDS = 10.0
BEGUN = encode(planned(1, "dc2", "PREPARE"))
LATER = encode(forced(2, "dc2", "b"))


def nested(depth: int, field: str = "detail") -> bytes:
    """An ABORT in which as many brackets are open as `depth` says, its own among them."""
    inner = b'{"a":' + b"[" * (depth - 2) + b"]" * (depth - 2) + b"}"
    return encode(planned(1, "dc2", "ABORT")).replace(b'"detail":{}', b'"%s":%s' % (field.encode(), inner))


@contextmanager
def reading(monkeypatch: pytest.MonkeyPatch, *values: bytes) -> Iterator[ControlLog]:
    """The control log where these records stand on both clusters."""
    FakeConsumer.instead(monkeypatch, **{name: FakeConsumer(values) for name in SETTINGS.clusters})
    log = ControlLog(list(SETTINGS.clusters.values()), "control", home="dc1")
    log.start()
    try:
        yield log
    finally:
        log.close()


@pytest.mark.parametrize("field", ["detail", "later"])
def test_an_event_nested_too_deep_is_none(field: str) -> None:
    """Whatever the stack of who decodes it lets through; brackets in a text are no nesting."""
    text = '[{"\\' * 30
    assert decode(nested(DEEPEST, field)).event == "ABORT"
    assert decode(encode(forced(1, "dc2", said=[text]))).detail == {"said": [text]}
    for depth in (DEEPEST + 1, 500, 980, 990, 5000):
        with pytest.raises(DecodingError, match="control event is n"):
            decode(nested(depth, field))
    with pytest.raises(DecodingError, match="more than 20 deep"):
        encode(forced(1, "dc2", a=decode(nested(DEEPEST)).detail))


@pytest.mark.parametrize("depth", [500, *range(984, 992)])
def test_what_is_nested_as_deep_as_can_be_read_ends_no_reader(monkeypatch: pytest.MonkeyPatch, depth: int) -> None:
    """It is passed over by name, and what stands behind it counts."""
    with reading(monkeypatch, BEGUN, nested(depth), LATER) as log:
        assert log.changed.wait_for(lambda: log.reachable() == {"dc1", "dc2"} and log.view().epoch == 2, SECONDS)
        assert all(reader.is_alive() for reader in log._readers.values())
        assert [(one.cluster, one.offset) for one in log.passed_over()] == [("dc1", 1), ("dc2", 1)]
        assert log.problem() is None


def fail() -> None:
    """A fault of ours on a reader's thread."""
    raise RecursionError("secret")


def test_a_stage_sees_that_a_reader_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would hold for ever once the lease is over, and say that a cluster cannot be reached."""
    FakeConsumer.instead(monkeypatch, dc1=FakeConsumer([BEGUN]), dc2=FakeConsumer([]))
    stopping = Stopping(SystemClock())
    active = ActiveCluster(SETTINGS, clock=SystemClock(), stopping=stopping)
    assert active._log is not None
    active._log.subscribe(fail)
    active.start()
    assert stopping.wait(SECONDS)
    assert str(stopping.reason) == "A thread of the stage ended (RecursionError)."
    active.close()


def test_a_command_ends_with_a_sentence_where_a_reader_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and not as if a cluster did not answer; the other log's events do not make it forget."""
    FakeConsumer.instead(monkeypatch, dc1=FakeConsumer([BEGUN]), dc2=FakeConsumer([]))
    watch = Watch(SETTINGS, SystemClock())
    watch.control.subscribe(fail)
    watch.control.start()
    began = monotonic()
    with pytest.raises(KafkalertError, match=r"^Reading the control log of dc1 ended \(RecursionError\)\.$"):
        watch.await_control({"dc1", "nowhere"}, SECONDS)
    with pytest.raises(KafkalertError, match="dc1 ended"):
        watch.control.await_settled(SECONDS)
    assert monotonic() - began < SECONDS / 2
    watch.control.close()


def test_a_reader_that_was_told_to_end_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    with reading(monkeypatch) as log:
        assert log.await_settled(SECONDS)
    assert log.problem() is None
