"""Java programs of this repository: whether they can be built here, and building them."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from kafkalert.errors import KafkalertError

NEEDED = ("java", "javac", "mvn")
SCHEMAS = Path(__file__).parents[1] / "schemas"
_TAIL = 15


def missing() -> str | None:
    """Why Java programs cannot be built here, in a sentence; None where they can."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return f"not on the PATH: {', '.join(absent)} (a JDK 17 and Maven build the Java programs)" if absent else None


def build(project: Path) -> Path:
    """The jar of a Maven project, built if a source is newer. Raises KafkalertError with Maven's last lines."""
    if reason := missing():
        raise KafkalertError(f"{project.name} cannot be built: {reason}.", hint="Install a JDK 17 and Maven.")
    target = project / "target"
    target.mkdir(exist_ok=True)
    # Two test runs at once would write over each other's classes.
    with (target / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jar = _jar(target)
        if jar is None or jar.stat().st_mtime < _newest(project):
            _package(project)
            jar = _jar(target)
            if jar is not None:
                jar.touch()  # Maven leaves a jar alone whose classes came out the same
    if jar is None:
        raise KafkalertError(f"Maven built no jar in {target}.", hint=f"Run `mvn package` in {project}.")
    return jar


def _jar(target: Path) -> Path | None:
    return next(target.glob("*.jar"), None)


def _newest(project: Path) -> float:
    sources = [project / "pom.xml", *(project / "src").rglob("*.*"), *SCHEMAS.glob("*.avsc")]
    return max(source.stat().st_mtime for source in sources)


def _package(project: Path) -> None:
    maven = ["mvn", "--quiet", "--batch-mode", "package"]
    done = subprocess.run(maven, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL:])
        raise KafkalertError(f"Maven could not build {project.name}:\n{last}", hint=f"Run `mvn package` in {project}.")
