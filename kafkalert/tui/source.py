"""Where the dashboard's snapshots come from. What takes long to import is imported behind the first paint."""

from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING, Self

from kafkalert.config.sections import Settings

if TYPE_CHECKING:
    from kafkalert.ops.overview.overview import Overview
    from kafkalert.ops.overview.snapshot import Snapshot
    from kafkalert.ops.tail.window import AlertWindow


class Source:
    """Follows a context: `newest` is what is known now, None until anything is. For one block.

    `common`: the options by which a command finds the same context.
    """

    def __init__(self, settings: Settings, *, common: Sequence[str] = ()) -> None:
        self.settings = settings
        self.common = tuple(common)
        self._overview: Overview | None = None
        self._alerts: AlertWindow | None = None
        self._ended = False

    def __enter__(self) -> Self:
        Thread(target=self._begin, name="begin", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        if self._overview is not None:
            self._overview.__exit__()
        self.close_alerts()

    def _begin(self) -> None:
        import kafkalert.views.pictures.screens  # noqa: F401, PLC0415 - so that the first picture does not wait for it
        from kafkalert.ops.overview.overview import Overview  # noqa: PLC0415 - Kafka's library, behind the first paint

        overview = Overview(self.settings)
        if not self._ended:
            self._overview = overview.__enter__()

    @property
    def newest(self) -> "Snapshot | None":
        """What is known now."""
        return None if self._overview is None else self._overview.newest

    @property
    def alerts(self) -> "AlertWindow":
        """The alerts as they come, from the first look at them on until `close_alerts`."""
        if self._alerts is None:
            from kafkalert.ops.tail.window import AlertWindow  # noqa: PLC0415 - as above

            self._alerts = AlertWindow(self.settings, self._active).__enter__()
        return self._alerts

    def close_alerts(self) -> None:
        """Read alerts no more."""
        if self._alerts is not None:
            self._alerts.__exit__()
            self._alerts = None

    def _active(self) -> str:
        newest = self.newest
        survey = None if newest is None else newest.survey
        return self.settings.active.name if survey is None else survey.active
