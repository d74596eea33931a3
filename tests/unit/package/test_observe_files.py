"""The dashboard and the rules ask for what a stage really serves, and Prometheus takes them."""

import json
import re
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from kafkalert.engine.observe.health import StageCollector
from kafkalert.engine.observe.metrics import Metrics

ROOT = Path(__file__).parents[3]
OBSERVE = ROOT / "examples/observe"
DASHBOARD: dict[str, Any] = json.loads((OBSERVE / "grafana.json").read_text())
RULES: list[dict[str, Any]] = yaml.safe_load((OBSERVE / "alerts.yml").read_text())["groups"][0]["rules"]
EXPRESSIONS = {f"rule {rule['alert']}": str(rule["expr"]) for rule in RULES} | {
    f"panel {panel['title']}, {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
OF_A_SCRAPE = {"job", "instance"}
_NAME = re.compile(r"\b(kafkalert_\w+|up)\b")
_SELECTED = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
_GROUPED = re.compile(r"\bby\s*\(([^)]*)\)")
needs_promtool = pytest.mark.skipif(which("promtool") is None, reason="no promtool: Debian's package prometheus has it")


def served() -> dict[str, set[str]]:
    """What /metrics of a stage holds that has counted something of everything: sample to labels."""
    metrics = Metrics()
    metrics.alerts["EMAIL"] = metrics.dead["null"] = metrics.skipped["no-amount"] = 1
    metrics.lag["accountentry", 0] = metrics.gone["accountentry", 0] = 1
    metrics.fresh.append(3)
    metrics.drain_latencies()
    registry = CollectorRegistry()
    registry.register(StageCollector(metrics, lambda: True))
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_each_metric_and_label_that_is_asked_for_is_served(expression: str) -> None:
    there = served()
    asked = set(_NAME.findall(re.sub(r'"[^"]*"', '""', expression)))
    assert asked
    assert asked - {"up"} <= there.keys()
    labels = set().union(OF_A_SCRAPE, *(there.get(name, ()) for name in asked))
    grouped = {label.strip() for group in _GROUPED.findall(expression) for label in group.split(",")}
    assert grouped | set(_SELECTED.findall(expression)) <= labels


def test_everything_that_is_served_is_on_the_dashboard() -> None:
    """A metric that nobody looks at is forgotten here, or should not be there."""
    panels = " ".join(expression for name, expression in EXPRESSIONS.items() if name.startswith("panel"))
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in _NAME.findall(panels)}
    assert shown == {re.sub(r"_(bucket|sum|count)$", "", name) for name in served() if not name.endswith("_created")}


def test_jobs_are_those_of_the_scrape_configuration() -> None:
    scraped = yaml.safe_load((OBSERVE / "prometheus.yml").read_text())["scrape_configs"]
    named = {job for expression in EXPRESSIONS.values() for job in re.findall(r'job="([^"]+)"', expression)}
    assert named
    assert named <= {one["job_name"] for one in scraped}


def test_each_rule_says_what_is_wrong_and_where_help_is() -> None:
    """A sentence, an urgency, and an entry of the runbook that is there."""
    runbook = (ROOT / "docs/operations.md").read_text()
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in runbook.splitlines()
        if line.startswith("#")
    }
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (page, anchor in headings) == ("docs/operations.md", True), rule["alert"]


def test_each_rule_is_seen_to_fire_and_not_to_fire() -> None:
    """By the cases beside the rules, which promtool plays through."""
    cases = yaml.safe_load((OBSERVE / "alerts_test.yml").read_text())["tests"]
    played = [(one["alertname"], bool(one["exp_alerts"])) for case in cases for one in case["alert_rule_test"]]
    assert set(played) == {(rule["alert"], fires) for rule in RULES for fires in (True, False)}


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [["check", "rules", "alerts.yml"], ["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]],
    ids=" ".join,
)
def test_prometheus_takes_the_files(arguments: list[str]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=OBSERVE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_takes_each_expression_of_the_dashboard(tmp_path: Path) -> None:
    """Grafana's own variables filled in."""
    expressions = [
        expression.replace("$__rate_interval", "5m").replace("$job", ".+")
        for name, expression in EXPRESSIONS.items()
        if name.startswith("panel")
    ]
    assert not [one for one in expressions if "$" in one]
    rules = [{"record": f"panel:{place}", "expr": one} for place, one in enumerate(expressions)]
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_have_a_place_of_their_own_and_one_source() -> None:
    """Grafana takes a file in which they overlap, and shows them somewhere."""
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
        assert {one["datasource"]["uid"] for one in [panel, *panel["targets"]]} == {"${datasource}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "job"]
