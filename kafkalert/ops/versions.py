"""What is installed here."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import confluent_kafka

from kafkalert.stages.alerting import stage


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs here. `compiled`: whether what every entry passes through is; as Python it takes half as many."""

    kafkalert: str
    compiled: bool
    python: str
    confluent_kafka: str
    librdkafka: str


def versions() -> Versions:
    """Return the versions that run here."""
    return Versions(
        version("kafkalert"),
        Path(stage.__file__).suffix != ".py",
        platform.python_version(),
        version("confluent-kafka"),
        confluent_kafka.libversion()[0],
    )
