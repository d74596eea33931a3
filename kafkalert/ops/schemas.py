"""The schemas of the pipeline's records, against a schema registry."""

from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kafkalert.config.sections import Serde
from kafkalert.errors import ConfigError
from kafkalert.model.grade import Grade
from kafkalert.serde.build import registry
from kafkalert.serde.registry import ConfluentRegistry, subject
from kafkalert.serde.schemas import schema

KEYS: Final = ("AccountId", "CustomerId", "EmailAddress", "PhoneNumber", "PushId")
VALUES: Final = ("AccountEntry", "CustomerIds", "CustomerAlertSettings", "OutboundMessage")
"""What records are made of. The other schemas are parts of these and travel within them."""


class State(StrEnum):
    """How a schema is in the registry."""

    REGISTERED = "registered"
    MISSING = "missing"
    INCOMPATIBLE = "incompatible"

    @property
    def grade(self) -> Grade:
        """What it means."""
        return Grade.GOOD if self is State.REGISTERED else Grade.BAD


@dataclass(frozen=True, slots=True)
class Listed:
    """A schema that records are written by. `fingerprint` as it stands in a record, in hex."""

    name: str
    part: str
    subject: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A schema in the registry; `id` is None where it is not there."""

    name: str
    subject: str
    state: State
    id: int | None


def listed() -> list[Listed]:
    """Return the schemas of keys and values."""
    parts = [*((name, "key") for name in KEYS), *((name, "value") for name in VALUES)]
    return [Listed(name, part, subject(name), schema(name).fingerprint.hex()) for name, part in parts]


def check(serde: Serde) -> list[Checked]:
    """How each schema is in the configured registry. Raises ConfigError without one, UnreachableError."""
    with closing(_registry(serde)) as there:
        return [_check(there, name) for name in (*KEYS, *VALUES)]


def register(serde: Serde, names: list[str]) -> None:
    """Register schemas. Raises ConfigError without a registry, UnreachableError, KafkalertError where it refuses."""
    with closing(_registry(serde)) as there:
        for name in names:
            there.register(name)


def _check(there: ConfluentRegistry, name: str) -> Checked:
    found = there.find(name)
    if found is not None:
        return Checked(name, subject(name), State.REGISTERED, found)
    fits = there.compatible(name)
    return Checked(name, subject(name), State.INCOMPATIBLE if fits is False else State.MISSING, None)


def _registry(serde: Serde) -> ConfluentRegistry:
    found = registry(serde)
    if found is None:
        raise ConfigError(
            "No schema registry is configured.",
            hint="Set serde.registry to its URL. Single-object framing, the default, needs none.",
        )
    return found
