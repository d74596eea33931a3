"""What kafkalert.toml can say, typed. Each stage and operation is given the sections that it needs, never the file."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretBytes, SecretStr, field_validator

from kafkalert.config.durations import parse_duration


def _duration(value: object) -> timedelta:
    return value if isinstance(value, timedelta) else parse_duration(str(value))


def _flag(value: object) -> bool:
    """Read yes or no. A variable can only hold a text; what else might mean yes, or no, is not guessed."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("should be true or false, without quotes")


Flag = Annotated[bool, BeforeValidator(_flag)]
"""Yes or no."""

Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""A length of time; in kafkalert.toml a text such as "500ms", "1h30m" or "7d"."""

DEVELOPMENT_KEY = b"kafkalert-development-key"
"""The key of alert ids where none is configured; public, so good for development only."""


_CANARY = r"^kafkalert-canary[A-Za-z0-9-]{0,64}$"


class Section(BaseModel):
    """A part of the configuration: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Cluster(Section):
    """One Kafka cluster, and the client properties that reach it."""

    name: str
    bootstrap: str = Field(description="host:port[,host:port...] of brokers of this one cluster")
    connect: str | None = Field(default=None, description="URL[,URL...] of the Kafka Connect workers beside it")
    connect_auth: SecretStr | None = Field(default=None, description="user:password")
    connect_ca: Path | None = Field(default=None, description="certificates that the workers' https is checked by")
    connect_certificate: Path | None = Field(
        default=None, description="certificate, and its key unless connect_key has it, by which the workers know us"
    )
    connect_key: Path | None = Field(default=None, description="key of connect_certificate")
    kafka: dict[str, SecretStr] = Field(default_factory=dict, description="librdkafka properties, passed on")

    @field_validator("connect_auth")
    @classmethod
    def _has_user(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().partition(":")[1]:
            raise ValueError("should be user:password")
        return value

    @property
    def workers(self) -> tuple[str, ...]:
        """URLs of the Connect workers that host the flow into this cluster; none without a mirror."""
        return tuple(url.strip() for url in (self.connect or "").split(",") if url.strip())


class Context(Section):
    """One environment: its clusters, what its topics are called, and what may be done to it."""

    name: str = "default"
    clusters: tuple[str, ...] = Field(min_length=1, max_length=2, description="names of clusters; the first is active")
    prefix: str = Field(default="", pattern=r"^[a-zA-Z0-9._-]*$", description="put before every topic and group")
    production: Flag = Field(default=False, description="changes ask for the context's name")
    read_only: Flag = Field(default=False, description="refuse every command that changes a cluster")
    unmask: Flag = Field(default=False, description="allow --unmask")


class Topics(Section):
    """Names and settings of the pipeline's topics. `names` maps a name of docs/topics.md to the one in use here."""

    names: dict[str, str] = Field(default_factory=dict)
    partitions: int = Field(default=4, ge=1, le=10_000)
    replication: int = Field(default=1, ge=1, le=32)
    retention: Duration = Field(default=timedelta(days=7), description="of topics that are deleted by age")
    delete_retention: Duration = Field(default=timedelta(days=1), description="how long tombstones stay")


class Serde(Section):
    """How records are framed, and the schema registry if there is one."""

    framing: Literal["single-object", "confluent"] = "single-object"
    registry: str | None = Field(default=None, description="URL of the schema registry")
    registry_auth: SecretStr | None = Field(default=None, description="user:password")
    largest_record: int = Field(default=1 << 20, ge=64 << 10, le=64 << 20, description="most bytes that are decoded")


class Alerts(Section):
    """The key of the hash that makes an alert's id; the same on both sites."""

    id_key: SecretBytes = Field(default=SecretBytes(DEVELOPMENT_KEY), min_length=16, max_length=64)


class Engine(Section):
    """How a stage runs."""

    mode: Literal["one-hop", "two-hop"] = "one-hop"
    state: Path = Field(default=Path(".kafkalert/state"), description="folder of the tables")
    table_size: int = Field(default=64 << 30, ge=1 << 20, description="most bytes that the tables may take")
    group_protocol: Literal["auto", "consumer", "classic"] = "auto"
    offsets_gone: Literal["refuse", "again"] = Field(
        default="refuse", description="what a start does whose group has lost its offsets"
    )
    commit_interval: Duration = Field(
        default=timedelta(seconds=1), gt=timedelta(0), description="how often offsets are committed"
    )
    batch: int = Field(default=500, ge=1, le=100_000, description="records taken at a time")
    linger: Duration = Field(
        default=timedelta(milliseconds=50),
        le=timedelta(seconds=5),
        description="how long a message waits for others while entries wait to be read",
    )


class Mirror(Section):
    """How the flows between the clusters of a context run."""

    tasks: int = Field(default=2, ge=1, le=1000, description="tasks of a flow, which share its partitions")
    refresh: Duration = Field(
        default=timedelta(seconds=5), ge=timedelta(seconds=1), description="how often new topics are looked for"
    )


class Drill(Section):
    """Whose entries `failover drill` writes. Both ids begin as none of a bank does."""

    account: str = Field(default="kafkalert-canary", pattern=_CANARY, description="account of the entries of a drill")
    customer: str = Field(default="kafkalert-canary", pattern=_CANARY, description="customer who is alerted of them")
    address: str = Field(
        default="canary@example.invalid",
        pattern=r"^[^@\s]{1,64}@[^@\s]{1,255}$",
        description="e-mail address of the bank's own to which those alerts go; the default reaches nobody",
    )


class Settings(Section):
    """All of the configuration, for one context."""

    context: Context
    clusters: dict[str, Cluster]
    topics: Topics = Topics()
    serde: Serde = Serde()
    alerts: Alerts = Alerts()
    engine: Engine = Engine()
    mirror: Mirror = Mirror()
    drill: Drill = Drill()

    @property
    def active(self) -> Cluster:
        """The cluster that stages start on."""
        return self.clusters[self.context.clusters[0]]

    def topic(self, name: str) -> str:
        """Return the name that the topic `name` of docs/topics.md has here, prefix included."""
        return self.context.prefix + self.topics.names.get(name, name)

    def group(self, stage: str) -> str:
        """Return the consumer group of a stage."""
        return f"{self.context.prefix}kafkalert.{stage}"
