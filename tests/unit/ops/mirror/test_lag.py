"""Which records have yet to cross, and what a flow's worker says of it: decisions without a broker."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import example, given
from hypothesis import strategies as st

from kafkalert.bus import clients
from kafkalert.bus.connect.client import Connect, Connector, Task, first_line, reason
from kafkalert.bus.connect.flow import Flow
from kafkalert.bus.records.marks import Mark
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import DeniedError
from kafkalert.ops.mirror.comparing import changes, compare
from kafkalert.ops.mirror.condition import Condition, condition_of, look, mend, partitions
from kafkalert.ops.mirror.lag import Lag, Window, lag, newest

FLOW = Flow("dc1", "dc2", "mirror-dc1-to-dc2")
TOO_LARGE = (
    "Unrecoverable exception from producer send callback (The message is 20971620 bytes when serialized which is "
    "larger than 16777216, which is the value of the max.request.size configuration.)"
)
TRACE = """org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler
\tat org.apache.kafka.connect.runtime.Some.where(Some.java:1)
Caused by: org.apache.kafka.connect.errors.DataException: no
\t... 1 more
Caused by: {cause}
\tat some.Where.else(Where.java:2)
"""


def marks(count: int) -> list[Mark]:
    return [Mark(number, number.to_bytes(8), native=True, timestamp=1000 * number) for number in range(count)]


@given(st.data())
def test_what_a_flow_has_not_carried_is_counted(data: st.DataObject) -> None:
    """A flow carried the first `crossed`; some copies were compacted away since, but not the last.

    However much is known to have crossed before the window begins, the rest is counted, and the oldest gives its age.
    """
    count = data.draw(st.integers(0, 12))
    crossed = data.draw(st.integers(0, count))
    begin = data.draw(st.integers(0, crossed))
    compacted = data.draw(st.sets(st.integers(0, max(0, crossed - 2))))
    there = {mark.id for mark in marks(crossed) if mark.offset not in compacted or mark.offset == crossed - 1}
    found = lag(Window(marks(count)[begin:]), there, now=1000 * count)
    assert found == Lag(count - crossed, float(count - crossed))


def test_a_part_that_was_not_read_is_vouched_for_by_one_that_crossed_later_or_not_at_all() -> None:
    late = Window(marks(9)[5:], from_start=False)
    assert lag(late, {marks(9)[6].id}, 9000) == Lag(2, 2.0, complete=True)
    assert lag(late, set(), 9000) == Lag(4, 4.0, complete=False)
    assert lag(Window((), from_start=False), set(), 9000) == Lag(0, 0.0, complete=False)


@given(st.text("abcd", max_size=12), st.integers(0, 12))
@example("aba", 1)
def test_an_id_that_was_written_again_answers_for_nothing_between(written: str, carried: int) -> None:
    """A worker that died writes its last outputs again; the flow has carried the first records of them all."""
    native_records = [Mark(place, one.encode(), native=True, timestamp=0) for place, one in enumerate(written)]
    there = {mark.id for mark in native_records[:carried]}
    assert lag(Window(native_records), there, now=0) == Lag(len({*written} - {*written[:carried]}), 0.0)


def test_an_end_that_was_not_reached_is_not_known_to_have_crossed() -> None:
    cut = Window(marks(3), to_end=False)
    assert lag(cut, {mark.id for mark in marks(3)}, 9000) is None
    assert lag(cut, set(), 3000) == Lag(3, 3.0, complete=False)


def test_a_clock_that_is_behind_makes_no_negative_age() -> None:
    assert lag(Window(marks(2)[1:]), set(), now=0) == Lag(1, 0.0)


@given(
    st.dictionaries(
        st.tuples(st.just("t"), st.integers(0, 9)), st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1
    ),
    st.integers(0, 200),
)
def test_no_more_than_was_asked_for_is_read_and_always_the_newest(
    spans: dict[tuple[str, int], tuple[int, int]], most: int
) -> None:
    first = {one: begin for one, (begin, _) in spans.items()}
    ends = {one: begin + length for one, (begin, length) in spans.items()}
    chosen = newest(first, ends, most)
    assert all(first[one] <= start <= ends[one] for one, start in chosen.items())
    total = sum(ends[one] - start for one, start in chosen.items())
    assert total <= most
    assert chosen == first or total > most - len(spans)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, (Condition.ABSENT, "")),
        (Connector("m", "RUNNING", "", (Task(0, "RUNNING"),)), (Condition.RUNNING, "")),
        (Connector("m", "RUNNING", "", (Task(0, "RUNNING"), Task(1, "FAILED", "no"))), (Condition.FAILED, "no")),
        (Connector("m", "FAILED", "broken"), (Condition.FAILED, "broken")),
        (Connector("m", "RUNNING", "", (Task(0, "FAILED"),)), (Condition.FAILED, "its worker gives no reason")),
        (Connector("m", "RUNNING", "", (Task(0, "UNASSIGNED"),)), (Condition.STARTING, "")),
        (Connector("m", "RUNNING"), (Condition.STARTING, "it has no tasks yet")),
        (Connector("m", "PAUSED", "", (Task(0, "PAUSED"),)), (Condition.PAUSED, "")),
        (Connector("m", "STOPPED"), (Condition.STOPPED, "")),
        (Connector("m", "UNASSIGNED"), (Condition.STARTING, "it has no tasks yet")),
    ],
)
def test_a_flow_s_condition_is_the_worst_of_connector_and_tasks(
    found: Connector | None, expected: tuple[Condition, str]
) -> None:
    assert condition_of(found) == expected


def test_topics_that_may_not_be_seen_are_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow without tasks runs where its source has no topics; where they may not be seen that is not known."""
    context = Context(clusters=("dc1", "dc2"))
    clusters = {one: Cluster(name=one, bootstrap="a:1", connect="http://127.0.0.1:1") for one in ("dc1", "dc2")}
    settings = Settings(context=context, clusters=clusters)
    answer: Future[object] = Future()
    monkeypatch.setattr(
        clients,
        "admin",
        lambda _: SimpleNamespace(
            list_topics=lambda **_: SimpleNamespace(topics={}),
            describe_topics=lambda *_, **__: {"accountentry": answer},
        ),
    )
    monkeypatch.setattr(Connect, "status", lambda *_: Connector("m", "RUNNING"))
    answer.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
    condition, reason, _ = look(settings, FLOW)
    assert condition is Condition.STARTING
    assert "dc1 does not tell its topics" in reason
    assert "DESCRIBE" in reason
    with pytest.raises(DeniedError):
        partitions(settings, "dc1", seconds=1)
    answer = Future()
    answer.set_exception(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
    assert look(settings, FLOW)[:2] == (Condition.RUNNING, "dc1 has no topic to carry yet")


@pytest.mark.parametrize(
    ("condition", "reason", "hint"),
    [
        (
            Condition.FAILED,
            TOO_LARGE,
            "set message.max.bytes of [clusters.dc2.kafka] above that, then `kafkalert mirror apply`.",
        ),
        (
            Condition.FAILED,
            "The request included a message larger than the max message size the server will accept.",
            "Raise max.message.bytes of the topic on dc2, then `kafkalert mirror apply`.",
        ),
        (Condition.FAILED, "Not authorized to access topics: [accountentry]", "topics acls 'Connect workers'` shows"),
        (Condition.STARTING, "it has no tasks yet", "topics acls 'Connect workers'` shows them."),
    ],
)
def test_what_mends_a_flow_goes_by_why_it_does_not_run(condition: Condition, reason: str, hint: str) -> None:
    """Java counts a record before it compresses it, so that no setting of the topic lets one of 20 MB cross."""
    assert hint in mend(FLOW, condition, reason)
    assert mend(FLOW, Condition.STARTING, "") == mend(FLOW, Condition.FAILED, "other") == ""


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ("org.apache.kafka.common.errors.RecordTooLargeException: too large", "too large"),
        ("com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'jan@bank.example'", "JsonParseException"),
        ("java.lang.NullPointerException", "NullPointerException"),
    ],
)
def test_why_a_task_failed_is_one_line_and_never_a_record(cause: str, expected: str) -> None:
    """Kafka's own words are quoted; a parser may quote a customer's data, so it is only named."""
    assert reason(TRACE.format(cause=cause)) == f"Tolerance exceeded in error handler ({expected})"


def test_what_a_worker_says_is_one_printable_line_of_bounded_length() -> None:
    assert first_line(None) == ""
    assert first_line("\n Bad\x1b[2J config \nmore") == "Bad[2J config"
    assert first_line("a: b") == "a: b"
    assert len(first_line("x" * 10_000)) < 400


def test_differences_are_told_in_the_words_of_an_order_without_secrets() -> None:
    """A reference is no secret; what somebody wrote in clear is one."""
    running = (Condition.RUNNING, "")
    now = {"a": "1", "gone": "x", "source.cluster.sasl.jaas.config": "secret", "k.password": "secret"}
    wanted = {"a": "2", "new": "y", "source.cluster.sasl.jaas.config": "secret2", "k.password": "${env:P}"}
    (line,) = changes([compare(FLOW, running, now, wanted)])
    assert line == (
        "change mirror-dc1-to-dc2 beside dc2: a from 1 to 2; gone removed; k.password from *** to ${env:P}; "
        "new added: y; source.cluster.sasl.jaas.config from *** to ***"
    )


def test_what_was_stopped_is_resumed_only_when_asked_for() -> None:
    stopped = compare(FLOW, (Condition.STOPPED, ""), {"a": "1"}, {"a": "1"})
    assert not stopped.is_fine
    assert changes([stopped]) == []
    assert changes([stopped], resume=True) == ["resume mirror-dc1-to-dc2 beside dc2, which is stopped"]


def test_what_is_absent_is_created_and_what_failed_restarted() -> None:
    absent = compare(FLOW, (Condition.ABSENT, ""), None, {"a": "1"})
    failed = compare(FLOW, (Condition.FAILED, "no such host"), {"a": "1"}, {"a": "1"})
    assert changes([absent, failed]) == [
        "create mirror-dc1-to-dc2 beside dc2, which carries dc1 into dc2",
        "restart mirror-dc1-to-dc2 beside dc2, which failed: no such host",
    ]
