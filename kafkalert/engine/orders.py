"""What a loop goes by besides its records."""

from typing import Protocol


class Orders(Protocol):
    """What a loop asks whether it may go on, and tells when something changes."""

    def hold(self) -> str:
        """Return why nothing may be processed now; empty where it may. Raises what ends the stay."""
        ...

    def fresh(self, now: float) -> bool:
        """Whether the control log was read lately enough to go on by it at this monotonic time."""
        ...

    def look(self) -> None:
        """Look what the control log says, which was read again after a while; the loop's ending may come of it."""
        ...

    def changed(self) -> None:
        """Hear that `held` or `joined` have changed."""
        ...
