"""Why a Java process of the sandbox ended, from the last lines that it logged."""

import re

CAUSES = (
    ("Address already in use", "its port is in use", "Give other ports with --port, or none to have free ones chosen."),
    ("No space left on device", "the disk is full", "Make room, or choose a folder elsewhere with --folder."),
    (
        "(?i)(Cannot allocate memory|Could not reserve enough space|OutOfMemoryError|insufficient memory)",
        "there is not enough memory",
        "End something else, or start one cluster only: --clusters 1.",
    ),
    ("UnsupportedClassVersionError", "its Java is too old", "Set JAVA_HOME to Java 17 or newer."),
    (
        "ClassNotFoundException|NoClassDefFoundError",
        "jars are missing",
        "Unset KAFKA_HOME, or point it to a whole Kafka.",
    ),
)


def port_was_taken(log: str) -> bool:
    """Whether the process ended because something else has its port."""
    return CAUSES[0][0] in log


def explain(log: str) -> tuple[str, str]:
    """Why the process ended, as the end of a sentence, and what to do about it (or an empty string)."""
    for pattern, reason, hint in CAUSES:
        if re.search(pattern, log):
            return reason, hint
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"ERROR|FATAL|Exception|^Error", line)]
    last = (telling or lines or ["it logged nothing"])[-1]
    return re.sub(r"^\S+ (ERROR|FATAL|WARN|INFO) +", "", last).rstrip("."), ""
