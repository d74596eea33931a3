"""What others have to know of the bridge."""

from typing import Final

from kafkalert.config.names import ACCOUNTENTRY
from kafkalert.config.stages import StageSpec

SPEC: Final = StageSpec("bridge", "Bring bookings in from a file.", writes=(ACCOUNTENTRY,))
