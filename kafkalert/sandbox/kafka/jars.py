"""Finds Apache Kafka's jars: an unpacked Kafka, else a cache that is filled without Maven."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from threading import Event
from typing import Final

from kafkalert.errors import KafkalertError
from kafkalert.sandbox.lock import exclusive

OLDEST = 4
"""First release without ZooKeeper; the broker's settings are for it."""

_AGAIN_SECONDS: Final = (1.0, 3.0, 9.0)
"""A request that fails is made again after so long: a name server that is busy for a moment costs no more than that."""
_UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"

OnJar = Callable[[int, int], None]
"""Told how many jars are there, of how many."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned jar of the list that `kafkalert.sandbox.kafka.resolve` makes."""

    group: str
    artifact: str
    version: str
    sha256: str


def pinned() -> tuple[Jar, ...]:
    """Return the jars of broker, Connect and mirror."""
    lines = files("kafkalert.sandbox.kafka").joinpath("kafka.jars").read_text(encoding="ascii").splitlines()
    parsed = (re.split("[: ]", line) for line in lines if not line.startswith("#"))
    return tuple(Jar(group, artifact, version, digest) for group, artifact, version, digest in parsed)


def classpath(env: Mapping[str, str] = os.environ, *, on_jar: OnJar = lambda _done, _total: None) -> str:
    """Return what CLASSPATH must be for a broker, Connect and the mirror.

    KAFKA_HOME decides if it is set; else the cache, filled first if it is empty (about 55 MB). Raises KafkalertError if
    KAFKA_HOME is no Kafka 4, or the jars cannot be fetched.
    """
    if home := env.get("KAFKA_HOME"):
        return f"{installed(Path(home))}/*"
    jars = pinned()
    cache = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache", "kafkalert")
    folder = cache / f"kafka-{hashlib.sha256(repr(jars).encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        try:
            cache.mkdir(parents=True, exist_ok=True)
            # Whoever starts a second sandbox meanwhile waits for this download instead of making it twice.
            with exclusive(cache / f"{folder.name}.lock", seconds=600, busy="Another command is fetching Kafka."):
                if not folder.is_dir():
                    fetch(jars, folder, on_jar)
        except OSError as error:
            raise KafkalertError(
                f"Kafka's jars could not be kept in {cache}: {error.strerror or error}.",
                hint="Make room, or set XDG_CACHE_HOME to a folder that can be written.",
            ) from error
    return f"{folder}/*"


def installed(home: Path) -> Path:
    """Return the folder of jars of an unpacked Kafka. Raises KafkalertError if there is none, or it is too old."""
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


def fetch(jars: Iterable[Jar], folder: Path, on_jar: OnJar) -> None:
    """Fill `folder` with the jars, or leave it away. Raises KafkalertError if one cannot be had as it should be."""
    try:
        from jgo.config import GlobalSettings  # noqa: PLC0415 - an extra
        from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
        from jgo.maven import MavenContext  # noqa: PLC0415
    except ImportError as error:
        raise KafkalertError(
            "The sandbox needs Apache Kafka, and found none.",
            hint="Run: pip install 'kafkalert[sandbox]'. Or set KAFKA_HOME to an unpacked Apache Kafka.",
        ) from error
    # All in a place of its own: jgo leaves a file cut off where it was interrupted, and takes it for whole next time.
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    libs = part / "libs"
    libs.mkdir(parents=True)
    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}

    over = Event()

    def download(jar: Jar, waits: Sequence[float]) -> Path:
        # Each time another cache: the last one may hold the file cut off.
        maven = MavenContext(repo_cache=part / f"maven-{len(waits)}", remote_repos=repositories, timeout=30)
        try:
            return Path(maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())
        except OSError as error:  # a failed request is one
            if not waits or _UNTRUSTED in str(error) or over.wait(waits[0]):
                raise
        return download(jar, waits[1:])

    def take(jar: Jar) -> None:
        found = download(jar, _AGAIN_SECONDS)
        if hashlib.sha256(found.read_bytes()).hexdigest() != jar.sha256:
            raise RuntimeError(f"{found.name} is not the file that was expected")
        found.rename(libs / found.name)

    wanted = list(jars)
    pool = ThreadPoolExecutor(8)
    try:
        for done, _ in enumerate(pool.map(take, wanted), start=1):
            on_jar(done, len(wanted))
        libs.rename(folder)
    except (RuntimeError, OSError) as error:
        raise fetch_error(str(error)) from error
    finally:
        over.set()
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(part, ignore_errors=True)


def fetch_error(reason: str) -> KafkalertError:
    """Return the error to raise for a download that failed, without the layers of the libraries' own sentences."""
    hint = "Check the network. Or set KAFKA_HOME to an unpacked Apache Kafka, which needs none."
    if _UNTRUSTED in reason:
        reason = "the repository's certificate is not trusted"
        hint = "Set REQUESTS_CA_BUNDLE to the file with your organisation's certificates."
    elif "Max retries exceeded" in reason or "Connection" in reason:
        reason = "the repository cannot be reached"
    return KafkalertError(f"Kafka's jars could not be fetched: {reason}.", hint=hint)
