"""Schemas: whether the registry has them, and whether the newest records are of schemas that are known here."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import Message

from kafkalert.bus.records.partitions import Partition
from kafkalert.config.pipeline import SCHEMAS
from kafkalert.config.sections import Serde, Settings
from kafkalert.errors import DecodingError
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.schemas import Checked, State, check
from kafkalert.ops.wording import counted
from kafkalert.serde.build import codec


def of_registry(serde: Serde) -> list[Checkup]:
    """Return how our schemas are in the registry. Raises UnreachableError, ConfigError."""
    if serde.registry is None:
        return [Checks(Subject.SCHEMAS).skipped("registry", "None is configured; single-object framing needs none.")]
    return list(registered(check(serde), needed=serde.framing == "confluent"))


def registered(found: Sequence[Checked], *, needed: bool) -> Iterator[Checkup]:
    """Yield what is not in the registry; `needed`: records are written by the ids that it gives."""
    checks = Checks(Subject.SCHEMAS)
    for one in found:
        if one.state is State.INCOMPATIBLE:
            text = f"The registry has another {one.subject}, which ours is not compatible with."
            hint = "See who registered it, and by which rule of compatibility; `kafkalert schemas check` tells."
            yield checks.bad(one.subject, text, hint)
    missing = [one.name for one in found if one.state is State.MISSING]
    if missing:
        text = f"The registry lacks {', '.join(missing)}."
        hint = "Run `kafkalert schemas register`."
        yield checks.bad("registry", text, hint) if needed else checks.look("registry", text, hint)
    if all(one.state is State.REGISTERED for one in found):
        yield checks.ok("registry", f"It has all {counted(len(found), 'schema')}.")


def of_records(settings: Settings, cluster: str, found: Mapping[Partition, Sequence[Message]]) -> list[Checkup]:
    """Return whether the newest records can be decoded. Raises UnreachableError where a registry is asked in vain."""
    named = {settings.topic(name): kinds for name, kinds in SCHEMAS.items()}
    serde = codec(settings.serde)
    wrong: dict[str, Counter[str]] = {}
    first: dict[tuple[str, str], str] = {}
    read = 0
    for (topic, number), messages in found.items():
        if topic not in named:
            continue
        key, value = named[topic]
        for message in messages:
            read += 1
            try:
                if message.key() is not None:
                    serde.decode(key, message.key())
                if message.value() is not None:
                    serde.decode(value, message.value())
            except DecodingError as error:
                wrong.setdefault(topic, Counter())[error.code] += 1
                first.setdefault((topic, error.code), f"{topic}[{number}], offset {message.offset()}: {error}")
    return list(_records(cluster, read, wrong, first))


def _records(
    cluster: str, read: int, wrong: Mapping[str, Counter[str]], first: Mapping[tuple[str, str], str]
) -> Iterator[Checkup]:
    checks = Checks(Subject.SCHEMAS, cluster)
    for topic, codes in sorted(wrong.items()):
        code, count = codes.most_common(1)[0]
        yield checks.bad(
            topic,
            f"{counted(count, 'record')} of the newest in {topic} on {cluster} cannot be decoded ({code}): "
            f"{first[topic, code].rstrip('.')}.",
            f"See who writes them: `kafkalert tail --topic {topic}`. Alerting puts such entries into the dead letters.",
        )
    if not wrong:
        yield checks.ok(
            "newest records", f"{counted(read, 'record')} of known schemas." if read else "There are none yet."
        )
