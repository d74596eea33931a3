"""What others have to know of alerting."""

from typing import TYPE_CHECKING, Final

from kafkalert.config.names import ACCOUNTENTRY, CUSTOMERACCOUNTENTRY, DEADLETTER
from kafkalert.config.pipeline import OUTBOUND
from kafkalert.config.stages import StageSpec

if TYPE_CHECKING:
    from kafkalert.config.sections import Settings


def _reads_by(settings: "Settings") -> tuple[str, ...]:
    two_hop = settings.engine.mode == "two-hop"
    return (ACCOUNTENTRY, CUSTOMERACCOUNTENTRY) if two_hop else (ACCOUNTENTRY,)


SPEC: Final = StageSpec(
    "alerting",
    "Turn bookings into alerts.",
    reads=(ACCOUNTENTRY, CUSTOMERACCOUNTENTRY),
    writes=(*OUTBOUND.values(), CUSTOMERACCOUNTENTRY, DEADLETTER),
    reads_by=_reads_by,
    build="kafkalert.stages.alerting.build:build",
)
