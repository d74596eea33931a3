"""`kafkalert failover drill` on two real clusters: there and back with canaries, well, and with alerting gone."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.reading import AUTHORISATIONS, SETTINGS
from tests.support.twin import NAMES, Twin, twins

pytestmark = pytest.mark.two_clusters
CANARY = b"kafkalert-canary"
GONE = {AUTHORISATIONS: None, SETTINGS: None}


@pytest.fixture(scope="module")
def twin(sandbox2: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """A bank's tables on two clusters, and bookings that come through a bridge."""
    with twins(sandbox2, "drill.", tmp_path_factory.mktemp("twin")) as make:
        bank = make()
        bank.bridge()
        with bank.feed(50):
            yield bank


def canary_rows(twin: Twin, cluster: str) -> dict[str, bytes | None]:
    """The newest value of the canary's key in each table, on one cluster."""
    site = twin.sites[cluster]
    found: dict[str, bytes | None] = {}
    for topic in (AUTHORISATIONS, SETTINGS):
        for message in site.read(topic):
            if CANARY in (message.key() or b""):
                found[topic] = message.value()
    return found


def drilled(twin: Twin, returncode: int, *more: str) -> dict[str, Any]:
    """What a drill says of itself in JSON."""
    done = twin.command("failover", "drill", "--yes", "-o", "json", *more)
    assert done.returncode == returncode, f"{done.stdout}\n{done.stderr}\n{twin.said()}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_drill_is_ok_and_leaves_no_rows(twin: Twin) -> None:
    """Each canary is alerted once and comes to both clusters; the bank's own alerts are not touched by it."""
    one = twin.alerting()
    bridge = twin.processes[0]
    twin.await_running(one, bridge, on="dc1")
    report = drilled(twin, 0, "--reason", "monthly")
    assert (report["version"], report["verdict"], report["problems"]) == (1, "OK", [])
    assert (report["home"], report["active"]) == ("dc1", "dc1")
    assert [(leg["source"], leg["target"], leg["outcome"]) for leg in report["legs"]] == [
        ("dc1", "dc2", "switched"),
        ("dc2", "dc1", "switched"),
    ]
    for leg in report["legs"]:
        counted = leg["canaries"]
        assert counted["sent"] == counted["seen"] > 20
        assert (counted["lost"], counted["repeated"], counted["one_sided"], counted["unanswered"]) == (0, 0, 0, 0)
        assert 0 <= counted["p50_ms"] <= counted["max_ms"]
        assert counted["gap_seconds"] > 0
        assert leg["steps"]["commit"] > 0
    for name in NAMES:
        assert wait_until(lambda one=name: canary_rows(twin, one) == GONE, SECONDS, every=0.2)  # type: ignore[misc]  # bound now
    past = json.loads(twin.command("failover", "history", "-o", "json").stdout)
    assert [each["reason"] for each in past] == ["drill, there: monthly", "drill, back: monthly"]

    # Ctrl-c once stages are there: it brings them back before it ends.
    with twin.begun("failover", "drill", "--yes", "-o", "json") as drill:
        twin.await_event(lambda event: (event.epoch, event.event) == (3, "COMMIT"))
        drill.send_signal(signal.SIGINT)
        out, said = drill.communicate(timeout=SECONDS)
    assert drill.returncode == 130, said
    report = json.loads(out)
    assert (report["interrupted"], report["active"], len(report["legs"])) == (True, "dc1", 2)
    assert "It was interrupted." in said
    assert canary_rows(twin, "dc1") == GONE
    twin.await_running(one, bridge, on="dc1", epoch=4)
    twin.await_alerts()
    assert one.stop() == 0


def test_a_drill_whose_canaries_are_lost_is_not_ok_and_goes_back(twin: Twin) -> None:
    """Alerting ends on the way: what was acknowledged and not alerted is counted, and stages do not stay away."""
    one, epoch = twin.alerting(), twin.log.view().epoch
    twin.await_running(one, on="dc1", epoch=epoch)
    with twin.begun("failover", "drill", "--yes", "-o", "json") as drill:
        twin.await_event(lambda event: (event.epoch, event.event) == (epoch + 1, "COMMIT"))
        assert one.stop() == 0
        out, said = drill.communicate(timeout=SECONDS)
    assert drill.returncode == 3, said
    report = json.loads(out)
    assert (report["verdict"], report["active"], len(report["legs"])) == ("NOT OK", "dc1", 2)
    assert report["legs"][1]["canaries"]["lost"] > 0
    assert any("lost: acknowledged, and no alert was written" in one for one in report["problems"])
    assert "The drill is NOT OK" in said
    view = twin.log.view()
    assert (view.active, view.epoch) == ("dc1", epoch + 2)
    assert canary_rows(twin, "dc1") == GONE

    nobody = drilled(twin, 3)
    assert (nobody["verdict"], nobody["legs"], nobody["active"]) == ("NOT OK", [], "dc1")
    assert "No canary was alerted on dc1" in nobody["problems"][0]
    assert twin.log.view().epoch == epoch + 2, "without an alert before, nothing is moved"
    assert canary_rows(twin, "dc1") == GONE
