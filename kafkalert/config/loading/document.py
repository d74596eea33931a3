"""kafkalert.toml as a whole: all environments, of which one is chosen."""

from pydantic import Field

from kafkalert.config.sections import Alerts, Cluster, Context, Drill, Engine, Mirror, Section, Serde, Topics


class Document(Section):
    """What the file and the environment say together, before a context is chosen."""

    context: str | None = Field(default=None, description="the context that is used without -C")
    contexts: dict[str, Context] = Field(default_factory=dict)
    clusters: dict[str, Cluster] = Field(default_factory=dict)
    topics: Topics = Topics()
    serde: Serde = Serde()
    alerts: Alerts = Alerts()
    engine: Engine = Engine()
    mirror: Mirror = Mirror()
    drill: Drill = Drill()
