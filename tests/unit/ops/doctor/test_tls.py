"""Certificates: how long they are valid, by the day; ours, and those that brokers show."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from kafkalert.bus.contact import Contact
from kafkalert.config.sections import Cluster
from kafkalert.ops.doctor import tls
from kafkalert.ops.doctor.checkup import Checks, Subject
from tests.support.certificates import Authority

CHECKS = Checks(Subject.TLS, "dc1")
NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "grade", "words"),
    [
        (timedelta(days=31), "ok", "valid until 2026-03-03"),
        (timedelta(days=29, hours=5), "look", "ends 2026-03-01 05:00 UTC, in 29 days"),
        (timedelta(seconds=-1), "bad", "ended 2026-01-30 23:59 UTC"),
    ],
)
def test_the_end_of_a_certificate(left: timedelta, grade: str, words: str) -> None:
    found = tls.ends(CHECKS, "b", "The certificate of b:1", NOW + left, NOW)
    assert (str(found.grade), words in found.text) == (grade, True), found.text


def test_a_certificate_that_is_not_trusted_is_told_with_what_mends_it() -> None:
    shown = Contact("b:1", None, "", b"x", "certificate has expired")
    found = tls.certificate(CHECKS, "b:1", shown, "[clusters.dc1.kafka]", NOW)
    assert (str(found.grade), found.hint) == ("bad", "Have the broker's certificate renewed, or correct this machine's clock.")  # noqa: E501 - a sentence  # fmt: skip


def test_our_own(tmp_path: Path) -> None:
    """One ends soon, and one is not there."""
    pem = Authority(tmp_path).issue("client", days=20)
    kafka = {"ssl.certificate.location": SecretStr(str(pem))}
    cluster = Cluster(name="dc1", bootstrap="b:1", kafka=kafka, connect_certificate=tmp_path / "absent.pem")
    soon, absent = tls.own(cluster, datetime.now(UTC))
    assert (str(soon.grade), "client.pem" in soon.text) == ("look", True)
    assert (str(absent.grade), "cannot be read" in absent.text) == ("bad", True)
