"""TLS: whether the certificates of brokers and workers are trusted, and how long they and our own are valid."""

import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kafkalert.bus.cause import About, protocol, trust_hint
from kafkalert.bus.certificate import expiry
from kafkalert.bus.contact import Contact, Step, shown, uses_tls
from kafkalert.bus.trust import of_workers as trusted_of_workers
from kafkalert.config.sections import Cluster
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.doctor.reaching import Reached

SOON: Final = timedelta(days=30)
"""A certificate that ends before that should be renewed now."""


def judge(found: Reached, now: datetime) -> Iterator[Checkup]:
    """Yield a check for each certificate that brokers showed; one where there is no TLS."""
    cluster, checks = found.cluster, Checks(Subject.TLS, found.cluster.name)
    mistrusted = any(one.mistrust for one in found.contacts.values())  # which is told by its certificate
    if found.cause is not None and found.cause.about is About.TLS and not mistrusted:
        yield checks.bad("connections", found.cause.sentence, found.cause.hint)
    if not uses_tls(cluster):
        yield checks.skipped("connections", f"security.protocol is {protocol(cluster)}, so nothing is encrypted.")
        return
    for at, one in found.contacts.items():
        if one.failed is Step.TLS and (found.cause is None or found.cause.about is not About.TLS):
            yield checks.bad(
                at, f"{at} does not speak TLS with this machine: {one.said or 'nothing comes'}.", _port(cluster)
            )
        elif one.certificate:
            yield certificate(checks, at, one, f"[clusters.{cluster.name}.kafka]", now)


def certificate(checks: Checks, at: str, one: Contact, section: str, now: datetime) -> Checkup:
    """Return what is said of the certificate that was shown at an address; no `section`: of a Connect worker."""
    end = expiry(one.certificate)
    if one.mistrust:
        until = f" (it ends {_day(end)})" if end is not None else ""
        text = f"The certificate of {at} is not trusted: {one.mistrust}{until}."
        hint = trust_hint(one.mistrust, section) if section else f"Check connect_ca of [clusters.{checks.cluster}]."
        return checks.bad(at, text, hint)
    return ends(checks, at, f"The certificate of {at}", end, now)


def ends(checks: Checks, name: str, what: str, end: datetime | None, now: datetime) -> Checkup:
    """Return what is said of the end of a certificate."""
    if end is None:
        return checks.unknown(name, f"{what} does not tell when it ends.")
    if end <= now:
        return checks.bad(name, f"{what} ended {_day(end)}.", "Have it renewed, or correct this machine's clock.")
    if end - now < SOON:
        left = (end - now).days
        return checks.look(name, f"{what} ends {_day(end)}, in {left} days.", "Have it renewed, and put it in place.")
    return checks.ok(name, f"{what} is trusted, and valid until {_day(end)}.")


def own(cluster: Cluster, now: datetime) -> Iterator[Checkup]:
    """Yield a check for each certificate of our own: to brokers, and to Connect workers."""
    checks = Checks(Subject.TLS, cluster.name)
    given = cluster.kafka.get("ssl.certificate.location")
    files = [("ssl.certificate.location", given.get_secret_value())] if given is not None else []
    if cluster.connect_certificate is not None:
        files.append(("connect_certificate", str(cluster.connect_certificate)))
    for key, file in files:
        what = f"This client's certificate, {file}"
        try:
            end = expiry(_first(Path(file).read_text(encoding="ascii")))
        except (OSError, ValueError):
            yield checks.bad(key, f"{what}, cannot be read.", f"Correct {key} of [clusters.{cluster.name}].")
        else:
            yield ends(checks, key, f"{what},", end, now)


def of_workers(cluster: Cluster, now: datetime, seconds: float) -> list[Checkup]:
    """Return a check for the certificate of each Connect worker beside `cluster` that is asked by https."""
    checks, found = Checks(Subject.TLS, cluster.name), []
    for url in cluster.workers:
        parts = urlsplit(url)
        if parts.scheme == "https":
            one = shown(f"{parts.hostname}:{parts.port}", trusted_of_workers(cluster), seconds)
            if one.certificate or one.mistrust:
                found.append(certificate(checks, f"Connect worker {one.at}", one, "", now))
    return found


def _first(text: str) -> bytes:
    """Return the first certificate of a PEM file. Raises ValueError where it has none."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    if begin not in text or end not in text:
        raise ValueError("no certificate")
    return ssl.PEM_cert_to_DER_cert(f"{begin}{text.partition(begin)[2].partition(end)[0]}{end}")


def _port(cluster: Cluster) -> str:
    return f"Give the port of a TLS listener, or correct security.protocol of [clusters.{cluster.name}.kafka]."


def _day(end: datetime | None) -> str:
    return "at an unknown time" if end is None else f"{end:%Y-%m-%d %H:%M} UTC"
