"""Writes the canaries of a drill to the cluster in use, as other systems write their entries."""

from collections.abc import Sequence
from functools import partial
from threading import Event, Thread
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message

from kafkalert.bus import clients
from kafkalert.bus.cause import said
from kafkalert.bus.control.log import ControlLog
from kafkalert.bus.denied import denied
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError
from kafkalert.model.ids import AlertId
from kafkalert.ops.failover.drill.canaries import Canaries, Record
from kafkalert.ops.failover.drill.verdict import Sent

PERIOD_SECONDS: Final = 0.1
"""Between two canaries; so exactly is the pause seen."""
ANSWER_SECONDS: Final = 5.0


class Writing(Thread):
    """A canary every PERIOD_SECONDS to the active cluster, by the control log, from `start` to `stop`.

    While stages stand still it goes on: those have to be alerted as well, after the switch. `leg` is what the canaries
    of now belong to. `sent` and `answered` are as `verdict.count` takes them.
    """

    def __init__(self, settings: Settings, canaries: Canaries, control: ControlLog, clock: Clock) -> None:
        super().__init__(name="canaries", daemon=True)
        self._settings = settings
        self._canaries = canaries
        self._control = control
        self._clock = clock
        self._halt = Event()
        self._producers: dict[str, Any] = {}
        self.leg = 0
        self.sent: list[Sent] = []
        self.answered: dict[AlertId, bool] = {}
        self.problem = ""
        """Why no canary could be written any more."""

    def run(self) -> None:
        """Write until `stop`."""
        try:
            while not self._halt.wait(PERIOD_SECONDS):
                self._write()
                for producer in self._producers.values():
                    producer.poll(0)
        except (KafkalertError, KafkaException) as error:
            self.problem = f"Canaries could not be written: {said(error)}"

    @clients.reports()
    def stop(self) -> None:
        """Write no more, and hear what clusters say of the rest, for ANSWER_SECONDS."""
        self._halt.set()
        if self.ident is None:
            return
        self.join(ANSWER_SECONDS)
        for producer in list(self._producers.values()):
            producer.flush(ANSWER_SECONDS)

    def _write(self) -> None:
        name = self._control.view().active
        producer = self._producers.get(name)
        if producer is None:
            producer = self._producers[name] = _producer(self._settings.clusters[name])
        record, alert = self._canaries.entry(len(self.sent), self._clock.wall_ms())
        self.sent.append(Sent(alert, self.leg, self._clock.monotonic()))
        heard = partial(self._heard, alert)
        try:
            producer.produce(record.topic, record.value, record.key, headers=list(record.headers), on_delivery=heard)
        except BufferError:
            self.answered[alert] = False

    def _heard(self, alert: AlertId, error: KafkaError | None, _message: Message) -> None:
        if error is None:
            self.answered[alert] = True
        elif error.code() not in _UNANSWERED:
            self.answered[alert] = False


@clients.reports()
def put(cluster: Cluster, records: Sequence[Record]) -> None:
    """Write records and wait until `cluster` has acknowledged them all, for ANSWER_SECONDS.

    Raises KafkalertError where it did not.
    """
    answers: list[tuple[KafkaError | None, str]] = []

    def heard(error: KafkaError | None, message: Message) -> None:
        answers.append((error, str(message.topic())))

    try:
        producer = _producer(cluster)
        for record in records:
            producer.produce(record.topic, record.value, record.key, on_delivery=heard)
        producer.flush(ANSWER_SECONDS + 1)
    except (KafkaException, BufferError) as error:
        raise KafkalertError(f"{cluster.name} did not take the canary's rows.") from error
    for failed, topic in answers:
        if failed is not None:
            what = f"{cluster.name} did not take the canary's row of {topic}: {failed.str()}."
            raise denied(cluster, failed, "WRITE", topic) or KafkalertError(what)
    if len(answers) < len(records):
        raise KafkalertError(f"{cluster.name} did not take the canary's rows.")


def _producer(cluster: Cluster) -> Any:  # noqa: ANN401 - confluent_kafka's producer
    return clients.producer(cluster, linger_ms=0, message_timeout_ms=round(ANSWER_SECONDS * 1000))


_UNANSWERED: Final = frozenset({KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT, KafkaError._PURGE_INFLIGHT})  # noqa: SLF001 - librdkafka's public codes begin with _
