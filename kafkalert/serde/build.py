"""The codec that the configuration asks for."""

from typing import TYPE_CHECKING

from kafkalert.config.sections import Serde
from kafkalert.errors import ConfigError
from kafkalert.serde.codec import Codec
from kafkalert.serde.framing import Framing

if TYPE_CHECKING:
    from kafkalert.serde.registry import ConfluentRegistry


def codec(serde: Serde) -> Codec:
    """Return what encodes in the configured framing, and decodes both where a registry is configured.

    No registry is asked before a record needs it. Raises ConfigError for Confluent framing without a registry.
    """
    confluent = serde.framing == "confluent"
    if confluent and serde.registry is None:
        raise ConfigError(
            "serde.framing is confluent, and no registry is configured.",
            hint="Set serde.registry to the registry's URL, or serde.framing to single-object.",
        )
    return Codec(Framing(registry(serde), confluent=confluent), largest=serde.largest_record)


def registry(serde: Serde) -> "ConfluentRegistry | None":
    """Return the configured registry, None without one.

    Raises ConfigError where the extra `registry` is not installed.
    """
    if serde.registry is None:
        return None
    from kafkalert.serde.registry import ConfluentRegistry  # noqa: PLC0415 - its client takes long to load

    auth = serde.registry_auth
    return ConfluentRegistry(serde.registry, None if auth is None else auth.get_secret_value())
