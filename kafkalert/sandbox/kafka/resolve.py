"""Makes the list of Kafka's jars: `python -m kafkalert.sandbox.kafka.resolve > kafkalert/sandbox/kafka/kafka.jars`.

Only for whoever moves the sandbox to another Kafka: walking the POMs takes half a minute, and pinned jars are the same
jars everywhere.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

VERSION = "4.3.1"
ROOTS = (
    f"org.apache.kafka:kafka_2.13:{VERSION}",
    f"org.apache.kafka:kafka-tools:{VERSION}",
    f"org.apache.kafka:connect-mirror:{VERSION}",
    f"org.apache.kafka:connect-transforms:{VERSION}",
    f"org.apache.kafka:connect-runtime:{VERSION}",
)
BINDING = ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4")
"""Kafka logs by slf4j 1.7 and brings log4j without the piece between. Taken by itself: resolved with the others, its
own managed versions replace theirs, down to kafka-clients 3.9.1."""


def main() -> None:
    """Write one jar a line to stdout: group:artifact:version, and the SHA-256 of the file."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - an extra
    from jgo.parse import Coordinate  # noqa: PLC0415

    sys.stdout.write(
        f"# Apache Kafka {VERSION} with Connect and the mirror; by `python -m kafkalert.sandbox.kafka.resolve`.\n"
    )
    with tempfile.TemporaryDirectory() as cache:
        maven = MavenContext(repo_cache=Path(cache))
        roots = [
            maven.create_dependency(Coordinate(group, artifact, version, scope="compile"))
            for group, artifact, version in (root.split(":") for root in ROOTS)
        ]
        resolved, more = maven.resolver.resolve(roots)
        artifacts = [dep.artifact for dep in [*resolved, *more] if dep.scope in {"compile", "runtime"}]
        group, artifact, version = BINDING
        artifacts.append(maven.project(group, artifact).at_version(version).artifact())
        for each in sorted(artifacts, key=lambda jar: (jar.groupId, jar.artifactId)):
            digest = hashlib.sha256(each.resolve().read_bytes()).hexdigest()
            sys.stdout.write(f"{each.groupId}:{each.artifactId}:{each.version} {digest}\n")


if __name__ == "__main__":
    main()
