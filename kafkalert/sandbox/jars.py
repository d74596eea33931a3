"""Finds Apache Kafka's jars: an unpacked Kafka, else a cache that is filled by Maven coordinates, without Maven."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from kafkalert.errors import KafkalertError
from kafkalert.sandbox.lock import exclusive

VERSION = "4.3.1"
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{VERSION}",
    f"org.apache.kafka:kafka-tools:{VERSION}",
    f"org.apache.kafka:connect-mirror:{VERSION}",
    f"org.apache.kafka:connect-transforms:{VERSION}",
    f"org.apache.kafka:connect-runtime:{VERSION}",
)
BINDING = ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4")
"""Kafka logs by slf4j 1.7 and brings log4j without the piece between. Fetched by itself: resolved with the others, its
own managed versions replace theirs, down to kafka-clients 3.9.1."""
OLDEST = 4
"""First release without ZooKeeper; the broker's settings are for it."""

OnJar = Callable[[int, int], None]
"""Told how many jars are there, of how many."""


def classpath(env: Mapping[str, str] = os.environ, *, on_jar: OnJar = lambda _done, _total: None) -> str:
    """What CLASSPATH must be for a broker, Connect and the mirror.

    KAFKA_HOME decides if it is set; else the cache, filled first if it is empty (about 55 MB). Raises KafkalertError if
    KAFKA_HOME is no Kafka 4, or the jars cannot be fetched.
    """
    if home := env.get("KAFKA_HOME"):
        return f"{_installed(Path(home))}/*"
    cache = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache", "kafkalert")
    folder = cache / f"kafka-{VERSION}"
    if not folder.is_dir():
        try:
            cache.mkdir(parents=True, exist_ok=True)
            # Whoever starts a second sandbox meanwhile waits for this download instead of making it twice.
            with exclusive(cache / f"{folder.name}.lock", seconds=600, busy="Another command is fetching Kafka."):
                if not folder.is_dir():
                    _fetch(folder, on_jar)
        except OSError as error:
            raise KafkalertError(
                f"Kafka's jars could not be kept in {cache}: {error.strerror or error}.",
                hint="Make room or set XDG_CACHE_HOME to a folder that can be written.",
            ) from error
    return f"{folder}/*"


def _installed(home: Path) -> Path:
    """The folder of jars of an unpacked Kafka. Raises KafkalertError if there is none, or it is too old."""
    hint = f"Set KAFKA_HOME to an unpacked Apache Kafka {OLDEST} or newer, or unset it."
    libs = home / "libs"
    versions = [
        int(found[1])
        for jar in libs.glob("kafka-server-common-*.jar")
        if (found := re.match(r"kafka-server-common-(\d+)\.", jar.name))
    ]
    if not versions:
        raise KafkalertError(f"KAFKA_HOME has no Kafka in it: {libs} lacks kafka-server-common.", hint=hint)
    if max(versions) < OLDEST:
        raise KafkalertError(f"KAFKA_HOME holds Kafka {max(versions)}, which is too old.", hint=hint)
    return libs


def _fetch(folder: Path, on_jar: OnJar) -> None:
    """Fill `folder` with all the jars, or leave it away."""
    try:
        from jgo.config import GlobalSettings  # noqa: PLC0415 - an extra
        from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
        from jgo.maven import MavenContext  # noqa: PLC0415
        from jgo.parse import Coordinate  # noqa: PLC0415
    except ImportError as error:
        raise KafkalertError(
            "The sandbox needs Apache Kafka, and found none.",
            hint="Run: pip install 'kafkalert[sandbox]'. Or set KAFKA_HOME to an unpacked Apache Kafka.",
        ) from error
    # All in a place of its own: what jgo writes in another cache it leaves cut off there when it is interrupted.
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    maven = MavenContext(repo_cache=part / "maven", remote_repos=repositories, timeout=30)
    pool = ThreadPoolExecutor(8)
    try:
        roots = [
            maven.create_dependency(replace(Coordinate.parse(coordinate), scope="compile"))
            for coordinate in COORDINATES
        ]
        resolved, more = maven.resolver.resolve(roots)
        artifacts = [*(dep.artifact for dep in resolved)]
        artifacts += [dep.artifact for dep in more if dep.scope in {"compile", "runtime"}]
        group, artifact, version = BINDING
        artifacts.append(maven.project(group, artifact).at_version(version).artifact())
        libs = part / "libs"
        libs.mkdir()
        for done, jar in enumerate(pool.map(lambda artifact: artifact.resolve(), artifacts), start=1):
            jar.rename(libs / jar.name)
            on_jar(done, len(artifacts))
        libs.rename(folder)
    except (RuntimeError, OSError) as error:  # a failed request is an OSError
        raise KafkalertError(
            f"Kafka's jars could not be fetched: {error}",
            hint="Check the network. Or set KAFKA_HOME to an unpacked Apache Kafka, which needs none.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(part, ignore_errors=True)
