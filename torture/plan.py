"""What a round does and what happens to it: a pure function of its seed and its length."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Kind(StrEnum):
    """What a leg is allowed to suffer, which says what has to hold at its end."""

    CALM = "calm"
    """Planned switches, drills and commands that die; nothing else breaks. Every alert exactly once."""
    ROUGH = "rough"
    """The same, while processes are killed and frozen. Every alert at least once."""
    FORCED = "forced"
    """The active cluster goes away, stages are forced to the other one, and what was stranded is carried over."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that an operator, another system or fate does, `at` seconds after the leg began.

    Attributes:
        at: seconds.
        what: the name of an operation or of a fault.
        on: what it is done to: `active` and `passive` are the clusters as they are then.
        seconds: how long a fault lasts, when a command is killed, for how long a transaction stays open.
        number: how many records, or which of several.
        shift: seconds by which record times are off.
    """

    at: float
    what: str
    on: tuple[str, ...] = ()
    seconds: float = 0.0
    number: int = 0
    shift: int = 0

    def __str__(self) -> str:
        told = [f"{self.at:5.1f} s", self.what, "+".join(self.on)]
        told += [f"{self.seconds:.1f} s"] if self.seconds else []
        told += [f"n={self.number}"] if self.number else []
        told += [f"times {self.shift:+} s"] if self.shift else []
        return " ".join(one for one in told if one)


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of a round; everything is mended and looked at after it."""

    kind: Kind
    operations: tuple[Step, ...]
    faults: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A round: `rate` is how many bookings a second come through the bridge.

    No leg but the first two begins once `seconds` are over, which on a slow machine leaves out the last ones.
    """

    seed: int
    seconds: float
    rate: int
    legs: tuple[Leg, ...]


LEG_SECONDS: Final = 30.0
LEAST_LEGS: Final = 2
"""The first ones of a round, a calm and a forced one, which begin at any time."""
CLUSTERS: Final = ("active", "passive")
STAGES: Final = ("supervisor", "worker", "second", "bridge")
MIRRORS: Final = ("mirror-active", "mirror-passive")
REACHING: Final = (*(one for one in STAGES if one != "worker"), "operator", "mirror")
"""Who has links to clusters; `second>active` is one."""
_SHIFTS: Final = (0, 0, 0, -120, -600, -7200, -259_200, 3000)
_CALM: Final = ("switch",) * 3 + ("amid", "killed", "interrupted", "cancelled", "two", "drill", "dry")
_OTHERS: Final = ("straight", "straight", "rows", "seed", "transaction")
_TOPICS: Final = ("accountentry", "accounttocustomerids", "customeralertsettings")
_MOST_ADDED: Final = 2
"""Partitions, in a calm leg: each stays, and makes the rest slower."""


def plan(seed: int, minutes: float) -> Plan:
    """The schedule of a round."""
    rng = _chance(f"{seed}")
    rate = rng.choice((40, 80, 150))
    kinds = [Kind.CALM, Kind.FORCED]
    rng.shuffle(kinds)
    kinds += rng.choices(list(Kind), (2, 3, 3), k=max(0, round(minutes * 60 / LEG_SECONDS) - 2))
    # Each with chances of its own, so that a longer round begins as a shorter one.
    legs = (_leg(kind, _chance(f"{seed} {number}")) for number, kind in enumerate(kinds))
    return Plan(seed, minutes * 60, rate, tuple(legs))


def _chance(text: str) -> Random:
    return Random(f"torture {text}")  # noqa: S311 - nothing secret


def site(cluster: str) -> tuple[str, ...]:
    """All links that end at a site, or begin there."""
    (other,) = (one for one in CLUSTERS if one != cluster)
    return (*(f"{client}>{cluster}" for client in REACHING), f"mirror>{other}")


def _leg(kind: Kind, rng: Random) -> Leg:
    if kind is Kind.FORCED:
        # A stage that reaches the old cluster alone goes on there after a forced switch, as docs/failover.md says.
        links = _links("operator", "mirror")
        return Leg(kind, _forced(rng), _faults(rng, (*STAGES, *MIRRORS), links, rng.randint(0, 2)))
    operations = _operations(rng)
    if kind is Kind.CALM:  # one that moves nothing proves nothing
        return Leg(
            kind,
            (
                Step(0.5, "amid", number=rng.randint(1, 10)),
                *sorted((*operations, *_added(rng)), key=lambda one: one.at),
            ),
        )
    targets = (*CLUSTERS, *STAGES, *MIRRORS)
    alone = [tuple(f"{client}>{cluster}" for cluster in CLUSTERS) for client in REACHING]
    sites = [site(cluster) for cluster in CLUSTERS]
    return Leg(kind, operations, _faults(rng, targets, [*_links(*REACHING), *alone, *sites, *sites], rng.randint(2, 4)))


def _added(rng: Random) -> tuple[Step, ...]:
    """Partitions that are added, also while stages are on their way."""
    times = [rng.uniform(1, LEG_SECONDS - 5) for _ in range(rng.choice((0, 0, 1, _MOST_ADDED)))]
    return tuple(Step(at, "partition", (rng.choice(_TOPICS),)) for at in times)


def _links(*clients: str) -> list[tuple[str, ...]]:
    """Each of their links, alone."""
    return [(f"{client}>{cluster}",) for client in clients for cluster in CLUSTERS]


def _operations(rng: Random) -> tuple[Step, ...]:
    found: list[Step] = []
    at = rng.uniform(1, 4)
    while at < LEG_SECONDS - 5:
        found.append(_other(at, rng) if rng.random() < 0.4 else _command(at, rng))
        at += rng.uniform(1, 6)
    return tuple(found)


def _command(at: float, rng: Random) -> Step:
    what = rng.choice(_CALM)
    seconds = rng.uniform(0.3, 5) if what in {"killed", "interrupted", "cancelled"} else 0.0
    return Step(at, what, seconds=seconds, number=rng.randint(1, 10) if what == "amid" else 0)


def _other(at: float, rng: Random) -> Step:
    what = rng.choice(_OTHERS)
    on = (rng.choice(CLUSTERS),)
    match what:
        case "straight":
            return Step(at, what, on, number=rng.randint(5, 200), shift=rng.choice(_SHIFTS))
        case "transaction":
            ends = "aborted" if rng.random() < 0.4 else "committed"
            return Step(at, f"transaction {ends}", on, seconds=rng.uniform(0, 6), number=rng.randint(1, 30))
        case _:
            return Step(at, what, on, number=rng.randint(1, 6))


def _forced(rng: Random) -> tuple[Step, ...]:
    """What is done around a forced switch; record times of what is written before it lie anywhere."""
    broken = rng.uniform(6, 12)
    forced = broken + rng.uniform(1, 5)
    back = forced + rng.uniform(4, 10)
    found = [_other(rng.uniform(0.5, broken), rng) for _ in range(rng.randint(0, 3))]
    found += [Step(broken, f"break by {rng.choice(('kill', 'freeze', 'cut', 'hang'))}")]
    found += [Step(forced, "force", number=rng.choice((0, 0, 1, 2)), seconds=rng.uniform(0.3, 6))]
    found += [_other(rng.uniform(forced, back), rng) for _ in range(rng.randint(0, 2))]
    found.append(Step(back, "return", number=rng.randint(0, 2), seconds=rng.uniform(0.5, 6)))
    if rng.random() < 0.7:
        found.append(Step(back + 1, "switch"))
    return tuple(sorted(found, key=lambda one: one.at))


def _faults(rng: Random, targets: Sequence[str], links: Sequence[tuple[str, ...]], count: int) -> tuple[Step, ...]:
    """Processes that are killed or frozen, links that are cut or hang, a disk that is full; one after the other."""
    found: list[Step] = []
    at = rng.uniform(1, 6)
    for _ in range(count):
        if rng.random() < 0.1:
            step = Step(at, "fill", ("second",), seconds=rng.uniform(1, 9))
        elif rng.random() < 0.5:
            step = Step(
                at, rng.choice(("cut", "hang")), rng.choice(links), seconds=rng.choice((3, 9, 9, 20)) * rng.random()
            )
        else:
            on = tuple(rng.sample(targets, rng.choice((1, 1, 1, 2))))
            step = Step(at, rng.choice(("kill", "freeze")), on, seconds=rng.uniform(1, 9), number=rng.randint(0, 7))
        found.append(step)
        at += step.seconds + rng.uniform(1, 6)
    return tuple(found)
