"""The outputs of a source, which outlive a switch: what comes from outside is sent to whichever cluster is active."""

import logging
from collections import deque
from collections.abc import Callable
from threading import Thread
from typing import Any, Final

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import Duty, decided
from kafkalert.bus.denials import Denials
from kafkalert.config.sections import Cluster
from kafkalert.engine.active import ActiveCluster
from kafkalert.engine.clock import Clock
from kafkalert.engine.delivery import BrokenProducerError, Delivery, DeliveryError
from kafkalert.engine.sources.kept import KEPT_SECONDS, Kept, Record
from kafkalert.engine.stopping import InterruptedStopError, Stopping
from kafkalert.errors import DeniedError, KafkalertError

_LOG = logging.getLogger(__name__)
_UNFLUSHED_BYTES: Final = 16 << 20
_LINGER_MS: Final = 5.0
"""How long a record waits for others; nobody knows when the next one comes."""
_LOOK_SECONDS: Final = 0.05
_LEASE_LOOK_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 2.0
"""How often it is tried again where a right is missing, or a producer breaks."""
_UNKEPT: Final = "Send all of it again: the same entries have the same ids."


class StoppedError(KafkalertError):
    """The process was told to stop before this record could be sent."""


class _NewsError(Exception):
    """The control log has brought something: what was being waited for may no longer be what is wanted."""


class SourceDelivery:
    """As `Delivery`, on the cluster that is active. One thread calls it, and calls `poll` often while it waits.

    A source that can be asked to give again what it gave has `acknowledged`: that is called with the `origin` of each
    record that a cluster has acknowledged, once, in whatever order, within a call of this object. What was not
    acknowledged is sent again from here as long as the process lives.

    Any call may wait: while an attempt to switch is pending, while it is not known where to work, where a producer
    broke, and, as `denials` say, while a right is missing. `changed` is called when `prepared`, `held` or `epoch` have
    changed.
    """

    def __init__(
        self,
        active: ActiveCluster,
        *,
        commit_seconds: float,
        denials: Denials,
        clock: Clock,
        stopping: Stopping,
        acknowledged: Callable[[Any], None] | None = None,
    ) -> None:
        self._active = active
        self._tells = acknowledged is not None
        self._denials = denials
        self._breaks = Denials(clock.monotonic, None)
        self._commit_seconds = commit_seconds
        self._clock = clock
        self._stopping = stopping
        keeps = denials.waits or len(active.clusters) > 1 or self._tells
        self._kept = Kept(clock, KEPT_SECONDS * (len(active.clusters) > 1) if keeps else None, acknowledged)
        self._lacks, self._retry_at = "", float("-inf")
        self._again: deque[Record] = deque()
        self._delivery: Delivery | None = None
        self._next: tuple[Cluster, Delivery] | None = None
        self._look_at = self._flush_at = float("-inf")
        self.cluster: Cluster | None = None
        self.prepared: Event | None = None
        self.epoch, self.held = -1, ""
        self.changed: Callable[[], None] = lambda: None

    @property
    def sends(self) -> bool:
        """Whether records are sent: nothing holds it, and it does not stand still for a switch."""
        return self.prepared is None and not self.held

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, Any]],
        origin: Any = None,  # noqa: ANN401 - the source's own
    ) -> None:
        """Hand one record over, which came from `origin`. Raises StoppedError, and what `Delivery.send` raises."""
        self._send(Record(topic, value, key, headers, origin))
        kept = self._kept
        if kept.keeps and (kept.waiting_bytes > _UNFLUSHED_BYTES or self._clock.monotonic() >= self._flush_at):
            self.flush()

    def poll(self) -> None:
        """Serve reports, and do what the control log asks for. Raises what `Delivery.poll` raises."""
        delivery = self._here()
        if delivery is not None:
            try:
                delivery.poll()
            except (DeniedError, BrokenProducerError) as error:
                self._begin_anew(error)
                return
            if self._kept.keeps and self._clock.monotonic() >= self._flush_at:
                self.flush()

    def flush(self) -> None:
        """Return when everything was acknowledged by the cluster that is active.

        Raises what `Delivery.flush` raises.
        """
        while True:
            delivery = self._here()
            if delivery is None and self.epoch < 0:
                return  # nothing was ever sent
            if self._again or delivery is None:
                raise InterruptedStopError(
                    "Stopped before everything could be sent again.", hint="The next start has to send it."
                )
            try:
                delivery.flush()
            except _NewsError:
                continue
            except (DeniedError, BrokenProducerError) as error:
                self._begin_anew(error)
                continue
            self._acknowledge()
            return

    def close(self) -> None:
        """Forget what was not delivered. What arrives yet is told to nobody: it would be, on other threads."""
        self._kept.take(acknowledged=True)
        for delivery in (self._delivery, self._next and self._next[1]):
            if delivery is not None:
                delivery.close()

    def _send(self, record: Record) -> None:
        while True:
            delivery = self._here()
            if delivery is None or not self.sends:
                raise StoppedError("Stopped before this record was sent.")
            try:
                self._kept.hand(delivery, record)
            except _NewsError:
                continue
            except (DeniedError, BrokenProducerError) as error:
                self._begin_anew(error)
                continue
            return

    def _here(self) -> Delivery | None:
        """Where to send now: waits while that is nowhere. After a stop it does not, and may be None."""
        now = self._clock.monotonic()
        if now >= self._look_at or self._active.news.is_set():
            while not self._turn():
                self._active.news.wait(_LOOK_SECONDS)
                if self._stopping:
                    break
            self._look_at = self._clock.monotonic() + _LEASE_LOOK_SECONDS
        return self._delivery

    def _turn(self) -> bool:
        """Do what the control log asks for; whether records may be sent now."""
        self._active.news.clear()
        duty = self._active.duty(epoch=self.epoch, acknowledged=self.prepared)
        try:
            if self._moves(duty):
                self._leave()
            if duty.attempt is None or self._again:
                if why := self._hindrance(duty):
                    # What was acknowledged counts until its outcome.
                    self._set(prepared=None if duty.do == "process" else self.prepared, held=why)
                    return False
                self._go_on(duty)
            if duty.attempt is not None:
                self._stand_still(duty.attempt)
                return False
        except _NewsError:
            return False
        except (DeniedError, BrokenProducerError) as error:
            self._begin_anew(error)
            return False
        return True

    def _hindrance(self, duty: Duty) -> str:
        """Why nothing may be sent now, or empty. While a switch is pending, only what has to be sent again may be."""
        now, prepared = self._clock.monotonic(), self.prepared
        if duty.do == "hold":
            return duty.why
        if now < self._retry_at:
            return self._lacks
        if duty.attempt is not None and not self._active.fresh(now, duty.epoch, duty.cluster):
            return f"{duty.cluster}'s control log cannot be reached"
        if prepared is not None and not decided(self._active.view(), prepared):
            return f"the switch of epoch {prepared.epoch} is not decided"
        return ""

    def _begin_anew(self, error: DeniedError | BrokenProducerError) -> None:
        """Begin anew in a while, with all that was not acknowledged. Raises `error` where it is not waited for.

        What may pass is waited for as in a stage, wherever there is something to send again.
        """
        if isinstance(error, DeniedError):
            self._denials.wait(error)
        elif self._kept.keeps:
            self._breaks.wait(error)
        else:
            raise DeliveryError(str(error), hint=_UNKEPT) from error
        old, self._delivery = self._delivery, None
        self._again = deque([*self._kept.take(acknowledged=False), *self._again])
        if old is not None:
            old.close()
        self._lacks, self._retry_at = str(error), self._clock.monotonic() + _RETRY_SECONDS
        self._look_at = float("-inf")

    def _moves(self, duty: Duty) -> bool:
        """Whether another cluster is active than the one that records go to.

        Of two forced switches of one epoch, the one that counts may be read later: the cluster changes without the
        epoch. A switch that stays changes the epoch alone: what this cluster has it has, and what is on its way to it
        arrives. Logs that have lost an epoch say nothing.
        """
        here = self.cluster
        return here is not None and duty.epoch >= self.epoch and duty.cluster != here.name

    def _leave(self) -> None:
        """Another cluster is active: leave this one, and send again what it may not have, or may not have given on.

        Called until it goes on there, it finds nothing twice.
        """
        view, stood_still = self._active.view(), self.prepared is not None
        forced = view.commit is not None and view.commit.mode == "forced"
        old, self._delivery = self._delivery, None
        if forced or not stood_still:  # who stood still has everything acknowledged
            found = self._kept.take(acknowledged=forced)
            self._again = deque([*found, *self._again])
            if found or old is not None:
                _LOG.warning("epoch %d: %d records are sent again", view.epoch, len(self._again))
        self._retry_at = float("-inf")  # the other cluster may grant what this one denied
        if old is not None:
            if not stood_still:
                old.abandon()
            Thread(target=old.close, name="close", daemon=True).start()

    def _stand_still(self, attempt: Event) -> None:
        """Have everything acknowledged, then say that nothing is sent any more."""
        if self.prepared == attempt:
            return
        if self._delivery is not None:
            self._delivery.flush()
            self._acknowledge()
        _LOG.warning("epoch %d: prepared to move to %s", attempt.epoch, attempt.target)
        self._set(prepared=attempt)
        target = self._active.clusters.get(attempt.target)
        if target is not None and self._next is None:
            self._next = target, self._made(target)

    def _go_on(self, duty: Duty) -> None:
        """Have a producer where records go, and send again what has to be."""
        cluster = self._active.clusters[duty.cluster]
        if self._delivery is None:
            ready = self._next is not None and self._next[0] is cluster
            self._delivery = self._next[1] if self._next is not None and ready else self._made(cluster)
            self._next = None if ready else self._next
        if self._next is not None:
            Thread(target=self._next[1].close, name="close", daemon=True).start()
            self._next = None
        new = self.cluster is not None and (duty.epoch, cluster.name) != (self.epoch, self.cluster.name)
        if new or self.prepared is not None:
            _LOG.warning("epoch %d: going on on %s", duty.epoch, cluster.name)
        self.cluster, self.epoch = cluster, duty.epoch
        self._set()
        while self._again:
            self._kept.hand(self._delivery, self._again[0])
            self._again.popleft()
            if self._kept.waiting_bytes > _UNFLUSHED_BYTES:
                self._delivery.flush()
                self._acknowledge()

    def _made(self, cluster: Cluster) -> Delivery:
        delivery = Delivery(cluster, linger_ms=_LINGER_MS, stopping=self._stopping, told=self._tells)
        delivery.waiting = self._watch
        return delivery

    def _watch(self) -> None:
        if self._active.news.is_set():
            raise _NewsError

    def _acknowledge(self) -> None:
        self._kept.acknowledged()
        self._flush_at = self._clock.monotonic() + self._commit_seconds

    def _set(self, *, prepared: Event | None = None, held: str = "") -> None:
        if (prepared, held) != (self.prepared, self.held):
            self.prepared, self.held = prepared, held
            self.changed()
