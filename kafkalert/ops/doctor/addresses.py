"""Names and addresses: each that is configured, and each that a broker advertises. Decisions only."""

from collections.abc import Iterator

from kafkalert.bus.cause import About, protocol
from kafkalert.bus.contact import Contact, Step
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.doctor.reaching import Reached


def judge(found: Reached) -> Iterator[Checkup]:
    """Yield a check for each address."""
    checks = Checks(Subject.ADDRESSES, found.cluster.name)
    named = {at: number for number, at in found.brokers.items()}
    for at, one in found.contacts.items():
        number = named.get(at)
        name = f"bootstrap {at}" if number is None else f"broker {number} at {at}"
        advertised = number is not None and found.metadata is not None
        yield _bootstrap(checks, name, one, found) if not advertised else _broker(checks, name, number, one)
    for number, at in sorted(found.brokers.items()):
        if at not in found.contacts:
            yield checks.skipped(f"broker {number} at {at}", "Of so many brokers not all are spoken with.")
    if found.contacts and found.metadata is None and not _explains(found):
        yield checks.bad("the cluster", *_silent(found))


def _bootstrap(checks: Checks, name: str, one: Contact, found: Reached) -> Checkup:
    section = f"[clusters.{checks.cluster}] bootstrap"
    where = f"{one.at} (bootstrap of {checks.cluster})"
    if one.failed is Step.NAME:
        text = f"The name in {where} is not known on this machine{_said(one)}."
        return _graded(checks, name, text, f"Correct {section}, or this machine's name service.", found)
    if one.failed is Step.CONNECTION:
        why = _said(one) or ": nothing answers, so a firewall may drop what is sent"
        return _graded(checks, name, f"{where} takes no connection{why}.", f"Start it, or correct {section}.", found)
    if one.failed is Step.ANSWER and not _is_elsewhere(found):
        if one.said:
            hint = f"Correct {section}: the port is another program's, or wants another security.protocol."
            return _graded(checks, name, f"{where} takes connections, but {_closed(one)}.", hint, found)
        return _graded(checks, name, *_says_nothing(where, section), found)
    return checks.ok(name, f"{one.at} {'takes connections' if one.failed else 'answers'}.")


def _graded(checks: Checks, name: str, text: str, hint: str, found: Reached) -> Checkup:
    """One of several addresses may be away, and the cluster is reached all the same."""
    return checks.look(name, text, hint) if found.answers else checks.bad(name, text, hint)


def _broker(checks: Checks, name: str, number: int | None, one: Contact) -> Checkup:
    hint = f"Correct advertised.listeners of broker {number}, or have its name and port reached from this machine."
    begin = f"Broker {number} of {checks.cluster} advertises {one.at}, but"
    if one.failed is Step.NAME:
        return checks.bad(name, f"{begin} that name is not known on this machine{_said(one)}.", hint)
    if one.failed is Step.CONNECTION:
        return checks.bad(name, f"{begin} nothing can be reached there{_said(one)}.", hint)
    if one.failed is Step.ANSWER:
        said = f"but {_closed(one)}" if one.said else "but says nothing: it hangs, or something else listens there"
        return checks.bad(
            name,
            f"Broker {number} of {checks.cluster} takes connections at {one.at}, {said}.",
            f"Look at it, or: {hint}",
        )
    return checks.ok(name, f"Broker {number} answers at {one.at}, the address that it advertises.")


def _is_elsewhere(found: Reached) -> bool:
    """Whether the cause is one of TLS or credentials, which are told of there."""
    return found.cause is not None and found.cause.about in {About.TLS, About.LOGIN}


def _explains(found: Reached) -> bool:
    """Whether something else tells why a cluster does not answer."""
    return _is_elsewhere(found) or any(one.failed for one in found.contacts.values())


def _silent(found: Reached) -> tuple[str, str]:
    if found.cause is not None and found.cause.known:
        return found.cause.sentence, found.cause.hint
    if protocol(found.cluster).startswith("SASL"):
        return (
            f"The brokers of {found.cluster.name} answer, but have neither let this client in nor refused it in time.",
            "Run the command again; then look at the brokers' logs.",
        )
    return (
        f"The brokers of {found.cluster.name} take connections and answer, but do not tell their topics in time.",
        "Look at the brokers' logs: the controllers may have no majority.",
    )


def _says_nothing(where: str, section: str) -> tuple[str, str]:
    return (
        f"{where} takes connections and says nothing: the broker hangs, or something else listens there.",
        f"Look at what listens there, or correct {section}.",
    )


def _closed(one: Contact) -> str:
    return one.said if one.said.startswith("what answers") else f"ends them at the first request ({one.said})"


def _said(one: Contact) -> str:
    return f": {one.said}" if one.said else ""
