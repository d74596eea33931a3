"""Writes parcels in transactions: a command that is killed leaves whole ones behind, and of two commands one goes on.

The transactional id is one for all operators of a context. Whoever begins ends what another one had under way on that
cluster, and the other one is refused from then on; so when this one has begun, all notes that there will ever be
of others can be read.
"""

from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message

from kafkalert.bus import clients
from kafkalert.bus.connect.flow import LARGEST
from kafkalert.bus.denied import denied
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError, OutcomeUnknownError, RefusedError, UnreachableError
from kafkalert.ops.deadletters.parcels import NotTakenError, Out, Parcel
from kafkalert.ops.deadletters.reading import AGAIN, GROUP

SECONDS: Final = 8.0
"""How long a cluster may take for one step."""
_STEP_SECONDS: Final = 0.1
_ATTEMPTS: Final = 3
_TRANSACTION_MS: Final = 20_000
"""After so long a broker ends the transaction of a command that was killed; until then readers behind it wait."""
_OF_THE_RECORD: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.POLICY_VIOLATION,
    }
)
_FENCED: Final = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - librdkafka's public codes begin with _
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.INVALID_PRODUCER_ID_MAPPING,
        KafkaError.INVALID_TXN_STATE,
    }
)
_SILENT: Final = frozenset(
    {
        KafkaError._TIMED_OUT,  # noqa: SLF001 - as above
        KafkaError._MSG_TIMED_OUT,  # noqa: SLF001 - as above
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - as above
        KafkaError._TRANSPORT,  # noqa: SLF001 - as above
    }
)
_PURGED: Final = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})  # noqa: SLF001 - public codes


class Writer:
    """Writes to `cluster`. Raises UnreachableError, DeniedError where it may not begin."""

    def __init__(self, settings: Settings, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._id = settings.group(GROUP)
        self._failed: KafkaError | None = None
        largest = cluster.kafka.get("message.max.bytes")
        self._producer: Any = clients.producer(
            cluster,
            linger_ms=5,
            log_level=1,  # what it says of its transactions, whoever writes here is told
            transactional_id=self._id,
            transaction_timeout_ms=_TRANSACTION_MS,
            message_timeout_ms=int(SECONDS * 1000),
            message_max_bytes=max(LARGEST, int(largest.get_secret_value()) if largest else 0),
            on_delivery=self._report,
        )
        try:
            self._producer.init_transactions(SECONDS)
        except KafkaException as error:
            raise self._problem(error.args[0], begun=False) from error

    @clients.reports()
    def write(self, parcels: Sequence[Parcel]) -> None:
        """See `Transactions`.

        Behind a record that a cluster did not take, the library lets its numbers go on, with a gap that the cluster
        does not take either; once that was said, too, it begins new ones.
        """
        for _ in range(_ATTEMPTS):
            if self._is_written(parcels):
                return
        raise KafkalertError(f"{self._cluster.name} takes no more records of this transaction.", hint=AGAIN)

    def _is_written(self, parcels: Sequence[Parcel]) -> bool:
        """Write them; False where the cluster misses records before them, and nothing was written."""
        self._failed = None
        committing = False
        try:
            self._producer.begin_transaction()
            for one in (record for parcel in parcels for record in parcel.records):
                self._put(one)
            self._flush()
            committing = True
            self._commit()
        except KafkaException as error:
            self._abort()
            why = self._failed or error.args[0]
            if why.code() == KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER:
                return False
            raise self._problem(why, begun=committing) from error
        except BaseException:
            self._abort()
            raise
        return True

    def close(self) -> None:
        """Let go, on a thread of its own: a cluster that hangs would hold it up."""
        Thread(target=self._end, name="close", daemon=True).start()

    def _end(self) -> None:
        with suppress(KafkaException, SystemError):  # of a producer that broke, which was told
            self._producer.close()

    def _put(self, one: Out) -> None:
        give_up = self._clock.monotonic() + SECONDS
        while True:
            try:
                self._producer.produce(
                    one.topic, one.value, one.key, one.partition, headers=one.headers, timestamp=one.timestamp
                )
            except BufferError:
                self._producer.poll(_STEP_SECONDS)
                if self._clock.monotonic() > give_up:
                    raise self._silent() from None
            else:
                return

    def _flush(self) -> None:
        give_up = self._clock.monotonic() + SECONDS
        while len(self._producer) and self._failed is None:
            self._producer.flush(_STEP_SECONDS)
            if self._clock.monotonic() > give_up:
                raise self._silent()
        if self._failed is not None:
            raise KafkaException(self._failed)

    def _commit(self) -> None:
        """Return once the transaction is written."""
        give_up = self._clock.monotonic() + SECONDS
        while True:
            try:
                return self._producer.commit_transaction(SECONDS)  # type: ignore[no-any-return]  # None
            except KafkaException as error:
                if not error.args[0].retriable() or self._clock.monotonic() > give_up:
                    raise

    def _abort(self) -> None:
        """End what was begun; where that cannot be told to the cluster, it ends it by itself."""
        with suppress(KafkaException):
            self._producer.abort_transaction(SECONDS)

    def _report(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None and error.code() not in _PURGED and self._failed is None:
            self._failed = error

    def _problem(self, error: KafkaError, *, begun: bool) -> KafkalertError:
        """Return what an error means; `begun`: the cluster was asked to commit."""
        name = self._cluster.name
        if (refusal := denied(self._cluster, error, "WRITE", self._id)) is not None:
            return refusal
        if error.code() in _OF_THE_RECORD:
            return NotTakenError(f"{name} does not take it: {error.str()}.")
        if error.code() in _FENCED:
            return RefusedError(f"Somebody else has begun to replay or to drop letters on {name}.", hint=AGAIN)
        if begun and error.retriable():
            return OutcomeUnknownError(f"{name} did not say whether it took the last letters.", hint=AGAIN)
        if error.code() in _SILENT:
            return self._silent()
        return KafkalertError(f"{name} does not take what is written: {error.str()}.", hint=AGAIN)

    def _silent(self) -> UnreachableError:
        return clients.silent(self._cluster)
