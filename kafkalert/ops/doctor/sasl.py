"""SASL: whether the mechanism and the credentials are taken. Decisions only."""

from collections.abc import Iterator
from typing import Final

from kafkalert.bus.cause import About, protocol
from kafkalert.bus.principal import principal
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.doctor.reaching import Reached

_LOCAL: Final = ("127.0.0.1", "localhost", "[::1]")


def judge(found: Reached) -> Iterator[Checkup]:
    """Yield whether this client is let in."""
    cluster, checks = found.cluster, Checks(Subject.SASL, found.cluster.name)
    if found.cause is not None and found.cause.about is About.LOGIN:
        yield checks.bad("credentials", found.cause.sentence, found.cause.hint)
        return
    how = protocol(cluster)
    if not how.startswith("SASL"):
        yield checks.skipped("credentials", f"security.protocol is {how}, so there is no SASL.")
        return
    mechanism = next(
        (
            cluster.kafka[key].get_secret_value()
            for key in ("sasl.mechanisms", "sasl.mechanism")
            if key in cluster.kafka
        ),
        "GSSAPI",
    )
    if found.metadata is None:
        yield checks.skipped("credentials", f"It is not looked at, as {cluster.name} does not answer.")
    else:
        yield checks.ok("credentials", f"{cluster.name} takes {principal(cluster)}, by {mechanism}.")
    if how == "SASL_PLAINTEXT" and not all(at.startswith(_LOCAL) for at in found.contacts):
        yield checks.look(
            "encryption",
            f"Records, and credentials where the mechanism is PLAIN, go to {cluster.name} without encryption.",
            f'Set security.protocol of [clusters.{cluster.name}.kafka] to "SASL_SSL", with the port that has it.',
        )
