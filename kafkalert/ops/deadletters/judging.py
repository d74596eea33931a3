"""Whether a letter's record would pass now: its own stage is asked, and what it sends goes nowhere.

So there is one statement of what a record has to be: the stage's. Alerting is made on empty tables of its own, and as
it is with two hops, where each entry is decoded, whoever asked for alerts of its account.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, cast

from confluent_kafka import Message

from kafkalert.config.pipeline import TABLES
from kafkalert.config.sections import Settings
from kafkalert.config.stages import broken, installed
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.stage import Build, CallingStage, Given, Stage
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import DecodingError, KafkalertError, UnreachableError
from kafkalert.ops.deadletters.letter import Letter
from kafkalert.ops.deadletters.restored import restored
from kafkalert.serde.build import codec
from kafkalert.tables.kinds import STAGE as TABLES_STAGE
from kafkalert.tables.kinds import Table, change, tables
from kafkalert.tables.store import Store

Outcome = Literal["passes", "fails", "unknown", "impossible"]
BY_THE_TABLES: Final = frozenset({"rule-failed", "too-large"})
"""Reasons that rest on what customers asked for, which nobody has here."""
_ROOM: Final = 16 << 20
_SAYS_NOTHING: Final = "It depends on what customers asked for; only the stage can tell."


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a record would pass now, and if not, why.

    "unknown": only its stage can tell. "impossible": it cannot be written where it came from.
    """

    outcome: Outcome
    why: str = ""


class Judge:
    """Asks stages. `folder` is its own, for tables that stay empty. Raises UnreachableError (a registry)."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        engine = settings.engine.model_copy(update={"mode": "two-hop", "state": folder / "stage", "table_size": _ROOM})
        self._settings = settings.model_copy(update={"engine": engine})
        self._folder = folder
        self._stages: dict[str, Stage | Verdict] = {}
        self._tables: dict[str, Table] | None = None

    def verdict(self, letter: Letter, message: Message) -> Verdict:
        """Judge a letter; `message` is its record in the dead letter topic."""
        if (obstacle := self._obstacle(letter)) is not None:
            return obstacle
        record = restored(letter, message).message(letter)
        if letter.stage == TABLES_STAGE:
            bad = self._row(record)
            return Verdict("passes") if bad is None else Verdict("fails", str(bad))
        stage = self._stage(letter.stage)
        if isinstance(stage, Verdict):
            return stage
        try:
            bad = _asked(stage, record)
        except UnreachableError:
            raise
        except Exception as error:  # noqa: BLE001 - somebody else's stage may raise anything
            return Verdict("unknown", f"The stage could not be asked: it raised {type(error).__name__}.")
        if bad is not None:
            return Verdict("fails", str(bad))
        return Verdict("unknown", _SAYS_NOTHING) if letter.reason in BY_THE_TABLES else Verdict("passes")

    def _obstacle(self, letter: Letter) -> Verdict | None:
        """Why a letter's record cannot be written again, or would be another one."""
        if letter.left_out:
            at = f"{letter.topic}[{letter.from_partition}] at {letter.from_offset} on {letter.cluster}"
            return Verdict("impossible", f"Its bytes are not in the letter. They lie in {at}, until they expire.")
        read = self._read_by(letter.stage)
        if read is None:
            return Verdict("impossible", f"Nobody here knows what {letter.stage} reads: {self._unknown(letter.stage)}.")
        if letter.topic not in read:
            return Verdict("impossible", f"{letter.stage} does not read {letter.topic}.")
        if not letter.record_time and (not letter.has_id or letter.stage == TABLES_STAGE):
            return Verdict("impossible", "The letter does not say when its record was written, so its id is not known.")
        return None

    def _read_by(self, stage: str) -> tuple[str, ...] | None:
        if stage == TABLES_STAGE:
            return tuple(map(self._settings.topic, TABLES))
        spec = installed().get(stage)
        return None if spec is None else tuple(map(self._settings.topic, spec.reads))

    @staticmethod
    def _unknown(stage: str) -> str:
        return broken().get(stage, "no stage of that name is installed")

    def _row(self, record: Message) -> DecodingError | None:
        """Return what is wrong with a row of a table, by what the follower says of it."""
        return change(self.tables[str(record.topic())], record, {})

    @property
    def tables(self) -> dict[str, Table]:
        """The two tables, by their topics."""
        if self._tables is None:
            store = Store(self._folder / "tables", size=_ROOM, flavour=b"")
            authorisations, settings = map(self._settings.topic, TABLES)
            made = tables(store, codec(self._settings.serde), authorisations=authorisations, settings=settings)
            self._tables = {one.topic: one for one in made}
        return self._tables

    def _stage(self, name: str) -> Stage | Verdict:
        if name not in self._stages:
            self._stages[name] = self._made(name)
        return self._stages[name]

    def _made(self, name: str) -> Stage | Verdict:
        module, _, function = installed()[name].build.partition(":")
        clock = SystemClock()
        try:
            build: Build = getattr(import_module(module), function)
            stage = build(self._settings, Given(Metrics(), clock, Stopping(clock)))
        except UnreachableError:
            raise
        except KafkalertError as error:
            return Verdict("unknown", f"The stage cannot be made here: {error}")
        except Exception as error:  # noqa: BLE001 - as above
            return Verdict("unknown", f"The stage cannot be made here: it raised {type(error).__name__}.")
        if isinstance(stage, CallingStage):
            return Verdict("unknown", "The stage calls something outside; only that can tell.")
        return stage


@contextmanager
def judge(settings: Settings) -> Iterator[Judge]:
    """Return a judge, for as long as its folder is there."""
    with TemporaryDirectory(prefix="kafkalert-dlq-") as folder:
        yield Judge(settings, Path(folder))


def _asked(stage: Stage, record: Message) -> DecodingError | None:
    """Why the stage puts a record away; None where it does not."""
    put_away: list[DecodingError] = []
    stage.process([record], cast("Delivery", _Nowhere()), cast("DeadLetters", _Heard(put_away)))
    return put_away[0] if put_away else None


class _Nowhere:
    """A delivery of which nothing comes out."""

    def send(self, topic: str, value: bytes | None, key: bytes | None, headers: Sequence[tuple[str, Any]]) -> None:
        """Take a record."""


class _Heard:
    """Dead letters that nobody writes."""

    def __init__(self, put_away: list[DecodingError]) -> None:
        self._put_away = put_away

    def put(self, message: Message, error: DecodingError) -> None:
        """Note why a record is put away."""
        del message
        self._put_away.append(error)
