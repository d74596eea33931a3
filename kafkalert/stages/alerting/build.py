"""alerting, made of its configuration."""

from kafkalert.config.sections import Settings
from kafkalert.engine.stage import Given
from kafkalert.rules.rule import installed
from kafkalert.serde.build import codec as codec_of
from kafkalert.stages.alerting.compiler import Compiler
from kafkalert.stages.alerting.stage import Alerting, Names
from kafkalert.tables.customer_tables import CustomerTables


def build(settings: Settings, given: Given) -> Alerting:
    """Return the stage, with the customer tables of this machine. Raises KafkalertError."""
    codec, rules = codec_of(settings.serde), installed()
    tables = CustomerTables(settings, codec, Compiler.fingerprint(codec, rules), given)
    return Alerting(
        Names.of(settings),
        two_hop=settings.engine.mode == "two-hop",
        store=tables.store,
        codec=codec,
        rules=rules,
        id_key=settings.alerts.id_key.get_secret_value(),
        metrics=given.metrics,
        clock=given.clock,
        dependency=tables,
    )
