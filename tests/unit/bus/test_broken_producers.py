"""A producer that broke ends a command with the cause, and with the right that is missing; see test_engine_delivery."""

from pathlib import Path
from threading import Event
from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError

from kafkalert.bus import clients
from kafkalert.config.sections import Context, Settings
from kafkalert.edges.source import Source
from kafkalert.engine.clock import SystemClock
from kafkalert.errors import DeniedError, KafkalertError
from kafkalert.ops.failover.reconcile.carrying import Carrier
from kafkalert.ops.seed.kinds import AUTHORISATIONS
from kafkalert.ops.seed.writing import Writer
from kafkalert.serde.codec import Codec
from tests.unit.engine.test_delivery import NOBODY, Broken

SETTINGS = Settings(context=Context(clusters=("dc1",)), clusters={"dc1": NOBODY})
ROW = '{"key": {"id": "NL01"}, "value": {"customerIds": [{"id": "anna"}]}}\n'


@pytest.fixture(params=[KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, KafkaError.TOPIC_AUTHORIZATION_FAILED])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[KafkalertError]:
    """The error that is due where every new producer breaks."""
    monkeypatch.setattr(clients, "producer", lambda *_, **__: Broken(request.param))
    return DeniedError if request.param == KafkaError.TOPIC_AUTHORIZATION_FAILED else KafkalertError


def test_seeding_ends_with_the_cause(kind: type[KafkalertError], tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text(ROW)
    writer = Writer(SETTINGS, AUTHORISATIONS, Codec(), clock=SystemClock(), stop=Event())
    with Source(str(file)) as source, pytest.raises(kind) as raised:
        writer.rows(source, lambda _: None)
    assert type(raised.value) is kind


@pytest.mark.parametrize("call", ["flush", "poll", "produce"])
def test_carrying_ends_with_the_cause(kind: type[KafkalertError], call: str) -> None:
    carrier = Carrier(NOBODY, NOBODY, "dc2", SystemClock())
    message = Mock(**{"timestamp.return_value": (0, 0), "headers.return_value": []})

    def go() -> None:
        if call == "produce":
            carrier._send(("t", 0), message, lambda *_: None)
        carrier._waiting = 1
        carrier._wait() if call == "poll" else carrier._flush()

    with pytest.raises(kind) as raised:
        go()
    assert type(raised.value) is kind
    carrier._end()
