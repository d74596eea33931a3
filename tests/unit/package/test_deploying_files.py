"""The units and manifests are taken by systemd and by Kubernetes's schemas, and fit what a stage needs."""

import configparser
import re
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from kafkalert.cli import app
from kafkalert.config.loading.load import load
from kafkalert.engine.supervisor import LAST_OF_ALL_SECONDS
from kafkalert.errors import ExitCode

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "examples/systemd/kafkalert@.service"
INSTALLED = "/opt/kafkalert/bin/kafkalert"
MANIFESTS = {
    (document["kind"], document["metadata"]["name"]): document
    for file in sorted((ROOT / "examples/kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
}
OLDEST = "1.29"
KINDS = ("configMap", "secret")
needs_systemd = pytest.mark.skipif(which("systemd-analyze") is None, reason="no systemd")


def service() -> dict[str, str]:
    """What the unit says under [Service]; of a key that is there twice the last one."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as it is written
    parser.read(UNIT)
    return dict(parser["Service"])


@needs_systemd
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """With the command where it is installed here, as systemd looks whether it is there."""
    text = UNIT.read_text()
    assert text.count(INSTALLED) == 1
    (tmp_path / UNIT.name).write_text(text.replace(INSTALLED, str(Path(sys.executable).with_name("kafkalert"))))
    verify = ["systemd-analyze", "verify", "kafkalert@alerting.service"]
    done = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_stage_is_stopped_as_it_wants_to_be() -> None:
    """Its supervisor is told alone, and has longer than a stage takes; what no restart mends is not restarted."""
    said = service()
    assert said["KillMode"] == "mixed"
    assert int(said["TimeoutStopSec"]) > LAST_OF_ALL_SECONDS
    assert said["Restart"] == "on-failure"
    hopeless = {int(one) for one in said["RestartPreventExitStatus"].split()}
    assert hopeless == {ExitCode.USAGE, ExitCode.REFUSED}


@pytest.mark.parametrize("stage", ["alerting", "bridge"])
def test_the_options_of_a_unit_are_options_of_its_stage(stage: str) -> None:
    """The command is parsed as systemd would build it, up to the question for its help."""
    environment = (UNIT.parent / f"{stage}.env").read_text()
    (options,) = re.findall(r"^KAFKALERT_OPTIONS=(.*)$", environment, re.MULTILINE)
    assert service()["ExecStart"] == f"{INSTALLED} run %i $KAFKALERT_OPTIONS"
    parsed = CliRunner().invoke(app, ["run", stage, *options.split(), "--help"])
    assert parsed.exit_code == 0, parsed.output
    assert "KAFKALERT_CONTEXT=" in environment


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=[" ".join(one) for one in MANIFESTS])
def test_kubernetes_takes_each_manifest(manifest: dict[str, Any], version: str) -> None:
    """No key that it does not know, in an old version and in the newest; one more is refused."""
    kubernetes_validate.validate(manifest, version, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest | {"nobody": "knows it"}, version, strict=True)


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = MANIFESTS["Deployment", "kafkalert-alerting"]["spec"]["template"]["spec"]
    return spec


def test_a_pod_has_the_time_to_stop_and_is_asked_the_right_questions() -> None:
    (container,) = pod()["containers"]
    assert pod()["terminationGracePeriodSeconds"] > LAST_OF_ALL_SECONDS
    asked = {probe: container[probe]["httpGet"]["path"] for probe in container if probe.endswith("Probe")}
    assert asked == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    port = str(container["ports"][0]["containerPort"])
    assert container["args"][:4] == ["run", "alerting", "--http-port", port]
    assert MANIFESTS["Service", "kafkalert-alerting"]["spec"]["ports"][0]["port"] == int(port)


def test_what_selects_pods_selects_these() -> None:
    deployment = MANIFESTS["Deployment", "kafkalert-alerting"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selecting = [
        deployment["spec"]["selector"]["matchLabels"],
        MANIFESTS["Service", "kafkalert-alerting"]["spec"]["selector"],
        MANIFESTS["PodDisruptionBudget", "kafkalert-alerting"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["NetworkPolicy", "kafkalert-alerting"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert selecting == [labels] * 4


def test_the_mounted_configuration_is_right(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Laid out as the volume does it. It reads its secrets, has its tables on a volume; each pod gets partitions."""
    (volume,) = [one for one in pod()["volumes"] if one["name"] == "config"]
    maps, secret = (next(one[kind] for one in volume["projected"]["sources"] if kind in one) for kind in KINDS)
    file = clean / "kafkalert.toml"
    file.write_text(MANIFESTS["ConfigMap", maps["name"]]["data"]["kafkalert.toml"])
    for item in secret["items"]:
        path = clean / item["path"]
        path.parent.mkdir(exist_ok=True)
        path.write_text("0123456789abcdef")
        path.chmod(0o600)
    (container,) = pod()["containers"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    assert container["env"][0]["value"] == f"{container['volumeMounts'][1]['mountPath']}/{file.name}"
    notes: list[str] = []
    settings = load(config=file, note=notes.append)
    assert notes == []
    assert settings.context.production
    assert settings.engine.state.is_relative_to(container["volumeMounts"][0]["mountPath"])
    assert MANIFESTS["Deployment", "kafkalert-alerting"]["spec"]["replicas"] <= settings.topics.partitions
