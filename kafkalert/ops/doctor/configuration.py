"""Configuration: it is read when this runs, so mistakes have ended the command; what is left are remarks."""

from collections.abc import Iterator

from kafkalert.bus.connect.flow import flows
from kafkalert.config.loading.load import Loaded
from kafkalert.config.stages import broken
from kafkalert.errors import RefusedError
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.mirror.rendering import remarks


def judge(loaded: Loaded) -> Iterator[Checkup]:
    """Yield what is to be known of a configuration that can be used."""
    checks, settings = Checks(Subject.CONFIGURATION), loaded.settings
    clusters = ", ".join(settings.context.clusters)
    yield checks.ok("settings", f"Context {settings.context.name}, with {clusters}.")
    for note in loaded.notes:
        if not note.startswith("Using "):
            yield checks.look("secrets", note, "`chmod 600` the file, or name the configuration that you mean.")
    for name, why in sorted(broken().items()):
        yield checks.bad(f"stage {name}", f"The stage {name} cannot be used: {why}.", "Correct or remove its package.")
    if flows(settings):
        try:
            for sentence in remarks(settings, loaded.reference):
                yield checks.look("mirror", sentence, "See `kafkalert mirror config`.")
        except RefusedError as error:
            yield checks.look("mirror", str(error), error.hint)
