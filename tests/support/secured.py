"""Two clusters as a bank has them: TLS, SCRAM or client certificates, an authorizer that denies what is not granted.

Each is one KRaft node of the sandbox's jars, with a Connect worker beside it that speaks https and asks for a password.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from pydantic import SecretStr

from kafkalert.bus.clients import admin
from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import properties_text, worker_config
from kafkalert.config.secrets import Reference
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import KafkalertError
from kafkalert.ops.topic_admin import apply, plan
from kafkalert.sandbox.kafka import broker
from kafkalert.sandbox.kafka.jars import classpath
from kafkalert.sandbox.kafka.java import find_java
from kafkalert.sandbox.mirror import worker_command
from kafkalert.sandbox.ports import HOST, free_port
from kafkalert.sandbox.process import wait_until
from tests.support.certificates import Authority

SECONDS: Final = 90.0
PASSWORD: Final = "a-password-of-tests"  # noqa: S105 - of clusters that live as long as a test
NAMES: Final = ("dc1", "dc2")
UNKNOWN_NAME: Final = "broker-1.internal.invalid"
_SESSION: Final = "30000"
"""Rights are tried here, not sessions: a member whose machine stands still for some seconds stays one."""
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@dataclass
class SecuredCluster:
    """One cluster: a listener for SCRAM, one for client certificates, and its own administrator, CN=admin.

    A third one, without TLS, advertises a name that nobody knows.
    """

    name: str
    folder: Path
    authority: Authority
    scram: int = 0
    mtls: int = 0
    lost: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    users: set[str] = field(default_factory=set)

    def start(self) -> None:
        """Format and run it; `await_ready` tells when it answers."""
        taken: set[int] = set()
        for _ in range(4):
            taken.add(free_port(taken))
        self.scram, self.mtls, self.lost, control = taken
        self.folder.mkdir(parents=True)
        (self.folder / "log4j2.properties").write_text(broker.LOGGING, encoding="ascii")
        text = broker.properties(self.scram, control, self._security(control))
        (self.folder / "server.properties").write_text(text, encoding="ascii")
        java = str(find_java())
        assert _run(broker.format_command(java, "AAAAAAAAAAAAAAAAAAAAAA"), self.folder).wait(SECONDS) == 0, self.log()
        self.process = _run(broker.run_command(java, broker.QUICK), self.folder)

    def stop(self) -> None:
        """End it; what it held is a test's."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def await_ready(self) -> None:
        """Return once it answers its administrator."""
        assert wait_until(self._answers, SECONDS, every=0.1), self.log()[-2000:]

    def log(self) -> str:
        """What its process wrote."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def admin(self) -> AdminClient:
        """A client that may do everything."""
        return admin(self.known())

    def user(self, name: str) -> None:
        """Make a SCRAM user, who may do nothing yet."""
        if name in self.users:
            return
        kind = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        wanted = UserScramCredentialUpsertion(name, kind, PASSWORD.encode())
        client = self.admin()
        for done in client.alter_user_scram_credentials([wanted]).values():
            done.result(30)
        self.users.add(name)

    def grant(self, user: str, rights: Iterable[tuple[str, str, str]]) -> None:
        """Give a user rights: (operation, kind of resource, name; one that ends in * is a prefix)."""
        bindings = [_binding(user, *one) for one in dict.fromkeys(rights)]
        client = self.admin()
        for done in client.create_acls(bindings).values() if bindings else ():
            done.result(30)

    def revoke(self, user: str, operation: str, kind: str, name: str) -> None:
        """Take a right away again."""
        one = _binding(user, operation, kind, name)
        what = AclBindingFilter(
            one.restype,
            one.name,
            one.resource_pattern_type,
            one.principal,
            one.host,
            one.operation,
            one.permission_type,
        )
        client = self.admin()
        for done in client.delete_acls([what]).values():
            assert done.result(30)

    def known(self) -> Cluster:
        """This cluster as its administrator reaches it."""
        pem = str(self.authority.folder / "admin.pem")
        given = {"security.protocol": "ssl", "ssl.ca.location": str(self.authority.file)}
        given |= {"ssl.certificate.location": pem, "ssl.key.location": pem}
        kafka = {name: SecretStr(value) for name, value in given.items()}
        return Cluster(name=self.name, bootstrap=f"{HOST}:{self.mtls}", kafka=kafka)

    def kafka(self, user: str, **more: str) -> dict[str, str]:
        """What [clusters.NAME.kafka] has to say for a SCRAM user."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": PASSWORD,
            "ssl.ca.location": str(self.authority.file),
            **{name.replace("_", "."): value for name, value in more.items()},
        }

    @property
    def bootstrap(self) -> str:
        """Where SCRAM users connect."""
        return f"{HOST}:{self.scram}"

    def _answers(self) -> bool:
        assert self.process is None or self.process.poll() is None, self.log()[-2000:]
        try:
            return bool(self.admin().list_topics(timeout=2).brokers)
        except Exception:  # noqa: BLE001 - not yet
            return False

    def _security(self, control: int) -> dict[str, str]:
        listeners = f"SCRAM://{HOST}:{self.scram},MTLS://{HOST}:{self.mtls},CONTROLLER://{HOST}:{control}"
        return {
            "listeners": f"{listeners},LOST://{HOST}:{self.lost}",
            "advertised.listeners": f"{listeners},LOST://{UNKNOWN_NAME}:9092",
            "listener.security.protocol.map": "SCRAM:SASL_SSL,MTLS:SSL,LOST:PLAINTEXT,CONTROLLER:SSL",
            "inter.broker.listener.name": "MTLS",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.authority.folder / "broker.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.file),
            "listener.name.mtls.ssl.client.auth": "required",
            "listener.name.controller.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.scram.scram-sha-512.sasl.jaas.config": _SCRAM,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:broker;User:admin",
            "allow.everyone.if.no.acl.found": "false",
            "group.min.session.timeout.ms": _SESSION,
            "group.consumer.min.session.timeout.ms": _SESSION,
        }


def _run(command: list[str], folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "CLASSPATH": classpath()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _answers(connect: Connect) -> bool:
    try:
        connect.connectors()
    except KafkalertError:
        return False
    return True


def _binding(user: str, operation: str, kind: str, name: str) -> AclBinding:
    prefixed = name.endswith("*")
    resource = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "cluster": ResourceType.BROKER}[kind]
    return AclBinding(
        resource,
        "kafka-cluster" if kind == "cluster" else name.removesuffix("*"),
        ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL,
        f"User:{user}",
        "*",
        AclOperation[operation],
        AclPermissionType.ALLOW,
    )


@dataclass
class SecuredWorker:
    """A Connect worker beside a cluster, whose REST interface speaks https, as SCRAM user `user`."""

    cluster: SecuredCluster
    user: str
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"https://{HOST}:{self.port}"

    def start(self, settings: Settings, secret: Path) -> None:
        """Run it, with what the configuration says of it and a certificate; `secret` holds the users' password."""
        folder = self.cluster.folder.with_name(f"mirror-{self.cluster.name}")
        folder.mkdir()
        (folder / "log4j2.properties").write_text(broker.LOGGING, encoding="ascii")
        store = self.cluster.authority.keystore("broker", PASSWORD)
        https = {
            "listeners": self.url,
            "listeners.https.ssl.keystore.type": "PKCS12",
            "listeners.https.ssl.keystore.location": str(store),
            "listeners.https.ssl.keystore.password": PASSWORD,
            "listeners.https.ssl.key.password": PASSWORD,
            "rest.advertised.host.name": HOST,
            "rest.advertised.listener": "https",
            "plugin.discovery": "service_load",
            "session.timeout.ms": _SESSION,
        }

        def written(place: str) -> Reference | None:
            return Reference("file", str(secret)) if place.endswith("sasl.password") else None

        text = properties_text(worker_config(settings, self.cluster.name, written) | https)
        (folder / "worker.properties").write_text(text, encoding="ascii")
        self.process = _run(worker_command(str(find_java())), folder)

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)


@dataclass
class Secured:
    """Both clusters, and files that every client of theirs shares."""

    folder: Path
    authority: Authority
    clusters: dict[str, SecuredCluster]
    workers: dict[str, SecuredWorker] = field(default_factory=dict)

    @contextmanager
    def mirrored(self, user: str, prefix: str) -> Iterator[None]:
        """Workers beside both clusters, which reach them as `user`."""
        taken: set[int] = set()
        with ExitStack() as ends:
            for name, cluster in self.clusters.items():
                taken.add(port := free_port(taken))
                self.workers[name] = SecuredWorker(cluster, user, port)
            for worker in self.workers.values():
                ends.callback(worker.stop)
                worker.start(self.settings(user, prefix), self.secret())
            for worker in self.workers.values():
                connect = Connect(self.settings(user, prefix).clusters[worker.cluster.name])
                assert wait_until(lambda one=connect: _answers(one), SECONDS, every=0.2), worker.cluster.name  # type: ignore[misc]  # bound now
            yield
        self.workers.clear()

    def secret(self) -> Path:
        """The file in which the password of all users stands."""
        file = self.folder / "password"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(PASSWORD, encoding="ascii")
        return file

    def settings(self, user: str, prefix: str) -> Settings:
        """What `config` says, read."""
        clusters = {
            name: Cluster(
                name=name,
                bootstrap=one.bootstrap,
                connect=self.workers[name].url,
                connect_ca=self.authority.file,
                kafka={key: SecretStr(value) for key, value in one.kafka(user).items()},
            )
            for name, one in self.clusters.items()
        }
        return Settings(context=Context(clusters=NAMES, prefix=prefix), clusters=clusters)

    def make_topics(self, prefix: str) -> None:
        """The pipeline's topics on both clusters, below `prefix`."""
        clusters = {name: one.known() for name, one in self.clusters.items()}
        settings = Settings(context=Context(clusters=NAMES, prefix=prefix), clusters=clusters)
        apply(settings, plan(settings))

    def config(self, file: Path, prefix: str, user: str, *, names: Iterable[str] = NAMES, **sections: Any) -> Path:  # noqa: ANN401 - TOML's values
        """Write the configuration of `user`, whose password stands in a file as a secret has to."""
        secret = self.secret()
        lines: list[str] = []
        for name in names:
            cluster = self.clusters[name]
            kafka = {key: json.dumps(value) for key, value in cluster.kafka(user).items()}
            kafka["sasl.password"] = f"{{ file = {json.dumps(str(secret))} }}"
            lines += [f"[clusters.{name}]", f"bootstrap = {json.dumps(cluster.bootstrap)}"]
            if name in self.workers:
                lines += [f"connect = {json.dumps(self.workers[name].url)}"]
                lines += [f"connect_ca = {json.dumps(str(self.authority.file))}"]
            lines += [f"[clusters.{name}.kafka]", *(f'"{key}" = {value}' for key, value in kafka.items())]
        lines += ["[contexts.test]", f"clusters = {json.dumps(list(names))}", f"prefix = {json.dumps(prefix)}"]
        for section, values in sections.items():
            lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file


@contextmanager
def secured_clusters(folder: Path) -> Iterator[Secured]:
    """Both clusters, from start to end."""
    authority = Authority(folder / "certificates")
    for name in ("broker", "admin"):
        authority.issue(name)
    clusters = {name: SecuredCluster(name, folder / name, authority) for name in NAMES}
    with ExitStack() as ends:
        for one in clusters.values():
            ends.callback(one.stop)
            one.start()
        for one in clusters.values():
            one.await_ready()
        yield Secured(folder, authority, clusters)
