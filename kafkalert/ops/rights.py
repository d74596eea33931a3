"""The rights that each command and stage needs on a cluster: the one table, from which all others are made.

Words are those of Kafka's ACLs. READ, WRITE and ALTER imply DESCRIBE there; ALTER_CONFIGS implies DESCRIBE_CONFIGS.
"""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.config import names
from kafkalert.config.pipeline import OUTBOUND, TABLES
from kafkalert.config.sections import Settings
from kafkalert.config.stages import StageSpec, mirrored, readers, topic_names

_TOPICS: Final = topic_names()
_MIRRORED: Final = mirrored()
_LABELS: Final = {_TOPICS: "all topics", _MIRRORED: "all mirrored topics"}
_TOOL: Final = ("kafka-acls.sh", "--command-config", "admin.properties")
_STORAGE: Final = "kafkalert.mirror.*"
_MIRROR_GROUP: Final = "kafkalert-mirror-into-*"


@dataclass(frozen=True, slots=True)
class Right:
    """`who` needs `operations` on the resources `on`, as Kafka names them.

    `kind` is "topic", "group", "transactional-id" or "cluster".

    A name that ends in * is a prefix. `without`: what is less without it; empty where nothing works. `label` is what
    many names are called together.
    """

    who: str
    operations: tuple[str, ...]
    kind: str
    on: tuple[str, ...]
    without: str = ""
    label: str = ""


WORKERS: Final = "Connect workers"
"""They have a principal of their own, unless the configuration gives them this client's."""
_T, _G, _X = "topic", "group", "transactional-id"
_Need = tuple[tuple[str, ...], str, tuple[str, ...], str]
_GROUPS: Final = tuple(f"kafkalert.{name}" for name in readers())
_INPUTS: Final = tuple(dict.fromkeys(topic for spec in readers().values() for topic in spec.reads))
TWO_CLUSTERS: Final = "needed with two clusters only"
TWO_HOPS: Final = "needed with two hops only"
_GONE: Final = (("READ",), _T, (_STORAGE,), "what expired before it crossed is not known")
_CONTROL: Final = (("READ",), _T, (names.CONTROL,), "")
_SEEN: Final = (
    (("READ",), _T, (names.CONTROL, names.STATUS), ""),
    (("DESCRIBE",), _G, _GROUPS, "the lag is not known"),
    (("DESCRIBE",), _T, _INPUTS, "the lag is not known"),
    (("READ",), _T, _MIRRORED, "the mirror's backlog is not known, nor whether partitions are offline"),
    _GONE,
)
_ALWAYS: Final = tuple(topic for topic in _INPUTS if topic != names.CUSTOMERACCOUNTENTRY)
_LETTERS: Final = (
    (("READ",), _T, (names.DEADLETTER,), ""),
    (("READ",), _T, (names.CONTROL,), "needed with two clusters only"),
    (("DESCRIBE",), _G, ("kafkalert.dlq",), "denials in the broker's log"),
)
_GROUP: Final = (
    (("DESCRIBE",), _T, _ALWAYS, ""),
    (("DESCRIBE",), _T, (names.CUSTOMERACCOUNTENTRY,), TWO_HOPS),
    (("READ",), _T, (names.CONTROL,), TWO_CLUSTERS),
)
_TRACED: Final = (
    (("READ",), _T, (names.ACCOUNTENTRY, *OUTBOUND.values(), names.DEADLETTER), ""),
    (("READ",), _T, (names.CUSTOMERACCOUNTENTRY,), "needed with two hops only"),
)
_LOOKS: Final = (
    (("READ",), _T, (names.CONTROL,), "needed with two clusters only"),
    (("DESCRIBE",), _G, ("kafkalert.tail",), "denials in the broker's log"),
)
_SWITCH: Final = (
    (("READ", "DESCRIBE_CONFIGS"), _T, _TOPICS, ""),
    (("WRITE",), _T, (names.CONTROL,), ""),
    (("READ",), _G, _GROUPS, ""),
    _GONE,
)
_BEATS: Final = (("WRITE",), _T, (names.STATUS,), "nobody sees that it runs; no planned switch")
_MOVES: Final = (
    (("READ",), _T, (names.CONTROL,), TWO_CLUSTERS),
    (("WRITE",), _T, (names.CONTROL,), "another instance copies events"),
)
"""What every stage needs to follow a switch."""


def _member(group: str) -> tuple[_Need, ...]:
    """Return what a member of `group` needs to see which protocol brokers have, and to set its session's length."""
    return (
        (("DESCRIBE_CONFIGS",), "cluster", ("kafka-cluster",), "the classic group protocol"),
        (("ALTER_CONFIGS",), _G, (group,), "the classic group protocol"),
    )


_NEEDS: Final[dict[str, tuple[_Need, ...]]] = {
    "topics plan": ((("DESCRIBE", "DESCRIBE_CONFIGS"), _T, _TOPICS, ""),),
    "topics apply": (
        (("DESCRIBE", "DESCRIBE_CONFIGS", "CREATE", "ALTER_CONFIGS"), _T, _TOPICS, ""),
        (("ALTER",), _T, _TOPICS, "no partition is added"),
    ),
    "seed authorisations": (
        (("WRITE",), _T, (names.ACCOUNTTOCUSTOMERIDS,), ""),
        (("READ",), _T, (names.ACCOUNTTOCUSTOMERIDS,), "no --prune"),
        (("DESCRIBE",), _G, ("kafkalert.seed",), "no --prune"),
        (("READ",), _T, (names.CONTROL,), TWO_CLUSTERS),
    ),
    "seed settings": (
        (("WRITE",), _T, (names.CUSTOMERALERTSETTINGS,), ""),
        (("READ",), _T, (names.CUSTOMERALERTSETTINGS,), "no --prune"),
        (("DESCRIBE",), _G, ("kafkalert.seed",), "no --prune"),
        (("READ",), _T, (names.CONTROL,), TWO_CLUSTERS),
    ),
    "run bridge": (
        (("WRITE",), _T, (names.ACCOUNTENTRY, names.STATUS), ""),
        *_MOVES,
    ),
    "run alerting": (
        (("READ",), _T, (names.ACCOUNTENTRY, *TABLES), ""),
        (("WRITE",), _T, (*OUTBOUND.values(), names.DEADLETTER), ""),
        (("READ",), _G, ("kafkalert.alerting",), ""),
        _BEATS,
        (("READ", "WRITE"), _T, (names.CUSTOMERACCOUNTENTRY,), TWO_HOPS),
        *_MOVES,
        *_member("kafkalert.alerting"),
        (("DESCRIBE_CONFIGS",), _T, TABLES, "tables are read again sooner than they must be"),
        (("DESCRIBE",), _G, ("kafkalert.tables", "kafkalert.control"), "denials in the broker's log"),
    ),
    "tail": (
        (("READ",), _T, _TOPICS, "only topics that it may read"),
        (("DESCRIBE",), _G, ("kafkalert.tail",), "denials in the broker's log"),
    ),
    "explain": (
        *_TRACED,
        (("READ",), _T, TABLES, ""),
        (("DESCRIBE_CONFIGS",), _T, TABLES, "less is known of rows that are gone"),
        (("DESCRIBE",), _G, ("kafkalert.alerting",), "whether the booking waits is not known"),
        *_LOOKS,
    ),
    "trace": (*_TRACED, *_LOOKS),
    "dlq list": _LETTERS,
    "dlq show": (*_LETTERS, (("READ",), _T, TABLES, "no row of a table is shown")),
    "dlq replay": (
        *_LETTERS,
        (("WRITE",), _T, (names.DEADLETTER,), ""),
        (("WRITE",), _X, ("kafkalert.dlq",), ""),
        (("WRITE",), _T, _INPUTS, "no record of a topic that it may not write"),
        (("READ", "WRITE"), _T, TABLES, "no row of a table"),
    ),
    "dlq drop": (*_LETTERS, (("WRITE",), _T, (names.DEADLETTER,), ""), (("WRITE",), _X, ("kafkalert.dlq",), "")),
    "group show": (*_GROUP, (("DESCRIBE",), _G, _GROUPS, "")),
    "group seek": (*_GROUP, (("READ",), _G, _GROUPS, "")),
    "status": _SEEN,
    "lag": (
        *_GROUP,
        (("DESCRIBE",), _G, _GROUPS, ""),
        (("READ",), _T, _INPUTS, "the age of what waits is not known, and markers count as records"),
        (("READ",), _T, ("__consumer_offsets",), "STALLED is called STOPPED"),
        (("DESCRIBE",), _G, ("kafkalert.lag", "kafkalert.marks"), "denials in the broker's log"),
    ),
    "failover": _SEEN,
    "failover history": (_CONTROL,),
    "failover cancel": ((("READ",), _T, (names.CONTROL, names.STATUS), ""), (("WRITE",), _T, (names.CONTROL,), "")),
    "failover --to": _SWITCH,
    "failover drill": (
        *_SWITCH,
        (("WRITE",), _T, (names.ACCOUNTENTRY, *TABLES), ""),
        (("DESCRIBE",), _G, ("kafkalert.drill",), "denials in the broker's log"),
    ),
    "failover repair": ((("READ",), _T, (names.CONTROL, names.STATUS), ""), (("WRITE",), _T, (names.CONTROL,), "")),
    "failover reconcile": (*_SWITCH, (("WRITE",), _T, _MIRRORED, "")),
    "mirror status": ((("READ",), _T, _MIRRORED, "the lag is not known"), _CONTROL, _GONE),
    "mirror apply": ((("READ",), _T, (names.CONTROL,), "no --resume of a flow that was stopped"),),
    "doctor": (
        (("DESCRIBE", "DESCRIBE_CONFIGS"), _T, _TOPICS, "what it may not see is not known"),
        (("READ",), _T, (names.ACCOUNTENTRY, *TABLES), "their schemas and record times are not known"),
        (("READ",), _T, (names.CUSTOMERACCOUNTENTRY,), TWO_HOPS),
        (("READ",), _T, (names.STATUS,), "clocks of instances are not known"),
        (("DESCRIBE",), "cluster", ("kafka-cluster",), "rights on the cluster are not known"),
        (("DESCRIBE",), _G, _GROUPS, "rights on groups are not known"),
    ),
    WORKERS: (
        (("READ", "WRITE", "DESCRIBE_CONFIGS"), _T, _MIRRORED, ""),
        (("CREATE", "DESCRIBE_CONFIGS", "READ", "WRITE"), _T, (_STORAGE,), ""),
        (("READ",), _G, (_MIRROR_GROUP,), ""),
    ),
}
_PREFIXED: Final = frozenset({*_GROUPS, "kafkalert.dlq", "kafkalert.seed", "kafkalert.tail"})
"""Groups that belong to a context, and an id of transactions; the others are those of clients that join none, on every
context alike."""


def _needs_of(spec: StageSpec) -> tuple[_Need, ...]:
    """Return what a stage needs that another package brings, by what it reads and writes."""
    group = f"kafkalert.{spec.name}"
    return (
        (("READ",), _T, spec.reads, ""),
        (("WRITE",), _T, tuple(dict.fromkeys((*spec.writes, names.DEADLETTER))), ""),
        (("READ",), _G, (group,), ""),
        _BEATS,
        *_MOVES,
        *_member(group),
    )


def applies(one: Right, settings: Settings) -> bool:
    """Whether a right is needed at all in this context."""
    if one.without == TWO_CLUSTERS:
        return len(settings.context.clusters) > 1
    return one.without != TWO_HOPS or settings.engine.mode == "two-hop"


_NEEDS.update({who: _needs_of(spec) for spec in readers().values() if (who := f"run {spec.name}") not in _NEEDS})
WHO: Final = tuple(_NEEDS)


def rights(settings: Settings, who: Iterable[str] = WHO) -> list[Right]:
    """Return what each of `who` needs on each cluster, by the names of this context."""
    own = set(_TOPICS)

    def named(kind: str, name: str) -> str:
        if kind == _T and name in own:
            return settings.topic(name)
        return f"{settings.context.prefix}{name}" if name in _PREFIXED else name

    return [
        Right(role, operations, kind, tuple(named(kind, name) for name in on), without, _LABELS.get(on, ""))
        for role in who
        for operations, kind, on, without in _NEEDS[role]
    ]


def commands(given: Sequence[Right], principal: str, bootstrap: str) -> list[str]:
    """Return the lines that grant `given` to `principal`, by Kafka's own tool; a right that is asked for twice once."""
    lines: dict[str, None] = {}
    for right in given:
        for name in right.on:
            what = ["--cluster"] if right.kind == "cluster" else [f"--{right.kind}", name.removesuffix("*")]
            pattern = ["--resource-pattern-type", "prefixed"] if name.endswith("*") else []
            operations = [word for operation in right.operations for word in ("--operation", _word(operation))]
            words = ["--add", "--allow-principal", principal, *operations, *what, *pattern]
            lines[shlex.join([*_TOOL, "--bootstrap-server", bootstrap, *words])] = None
    return list(lines)


def _word(operation: str) -> str:
    """Return an operation as the tool writes it: DescribeConfigs."""
    return "".join(part.capitalize() for part in operation.split("_"))
