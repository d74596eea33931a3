"""librdkafka's properties in `[clusters.NAME.kafka]`: which may be set there, which never, which hold secrets.

The names are those of librdkafka 2.16 (its CONFIGURATION.md); newer ones are asked of the library itself.
"""

import re
from difflib import get_close_matches

_DELIVERY = "kafkalert sets it, so that no alert is lost or overtakes another"
_GROUP = "kafkalert sets it, so that partitions and offsets stay with their stage"
_OFFSETS = "kafkalert commits an offset only after everything that came of it was acknowledged"

_CODE_OF_OTHERS = "it would load foreign code into the pipeline"

FIXED = {
    "acks": _DELIVERY,
    "request.required.acks": _DELIVERY,
    "enable.idempotence": _DELIVERY,
    "message.timeout.ms": "kafkalert waits for a broker that is away; nothing is given up",
    "delivery.timeout.ms": "kafkalert waits for a broker that is away; nothing is given up",
    "message.send.max.retries": _DELIVERY,
    "retries": _DELIVERY,
    "queuing.strategy": "messages leave in the order they came",
    "delivery.report.only.error": _DELIVERY,
    "produce.offset.report": _DELIVERY,
    "partitioner": "all producers of a topic have to agree; kafkalert uses Java's murmur2",
    "transactional.id": "kafkalert's outputs are idempotent, not transactional",
    "group.id": _GROUP,
    "group.instance.id": _GROUP,
    "group.protocol.type": _GROUP,
    "group.remote.assignor": _GROUP,
    "partition.assignment.strategy": _GROUP,
    "enable.auto.commit": _OFFSETS,
    "auto.commit.enable": _OFFSETS,
    "enable.auto.offset.store": _OFFSETS,
    "offset.store.method": _OFFSETS,
    "auto.offset.reset": "a lost offset has to be seen, not skipped",
    "isolation.level": "records of an aborted transaction are no alerts",
    "enable.partition.eof": "kafkalert finds the end of a partition by its offsets",
    "plugin.library.paths": _CODE_OF_OTHERS,
    "ssl.engine.id": _CODE_OF_OTHERS,
    "ssl.engine.location": _CODE_OF_OTHERS,
    "ssl.providers": _CODE_OF_OTHERS,
    "sasl.kerberos.kinit.cmd": "it is a command that a shell would run; have a ticket renewed beside kafkalert",
}
"""Properties that correctness rests on, and the reason that is given for refusing them."""

ELSEWHERE = {
    "bootstrap.servers": "bootstrap of the cluster",
    "metadata.broker.list": "bootstrap of the cluster",
    "group.protocol": "engine.group_protocol",
    "linger.ms": "engine.linger",
    "queue.buffering.max.ms": "engine.linger",
}
"""Properties that have a key of their own in kafkalert.toml."""

_NAMES = """
allow.auto.create.topics api.version.fallback.ms api.version.request api.version.request.timeout.ms
auto.commit.interval.ms batch.num.messages batch.size broker.address.family broker.address.ttl
broker.version.fallback check.crcs client.dns.lookup client.id client.rack compression.codec compression.level
compression.type connections.max.idle.ms coordinator.query.interval.ms debug enable.gapless.guarantee
enable.metrics.push enable.random.seed enable.sasl.oauthbearer.unsecure.jwt enable.sparse.connections
enable.ssl.certificate.verification fetch.error.backoff.ms fetch.max.bytes fetch.message.max.bytes fetch.min.bytes
fetch.queue.backoff.ms fetch.wait.max.ms heartbeat.interval.ms https.ca.location https.ca.pem log.connection.close
log.thread.name log_level max.in.flight max.in.flight.requests.per.connection max.partition.fetch.bytes
max.poll.interval.ms message.copy.max.bytes message.max.bytes metadata.max.age.ms
metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy queue.buffering.backpressure.threshold
queue.buffering.max.kbytes queue.buffering.max.messages queued.max.messages.kbytes queued.min.messages
receive.message.max.bytes reconnect.backoff.max.ms reconnect.backoff.ms request.timeout.ms retry.backoff.max.ms
retry.backoff.ms sasl.kerberos.keytab sasl.kerberos.kinit.cmd sasl.kerberos.min.time.before.relogin
sasl.kerberos.principal sasl.kerberos.service.name sasl.mechanism sasl.mechanisms
sasl.oauthbearer.assertion.algorithm sasl.oauthbearer.assertion.claim.aud
sasl.oauthbearer.assertion.claim.exp.seconds sasl.oauthbearer.assertion.claim.iss
sasl.oauthbearer.assertion.claim.jti.include sasl.oauthbearer.assertion.claim.nbf.seconds
sasl.oauthbearer.assertion.claim.sub sasl.oauthbearer.assertion.file sasl.oauthbearer.assertion.jwt.template.file
sasl.oauthbearer.assertion.private.key.file sasl.oauthbearer.assertion.private.key.passphrase
sasl.oauthbearer.assertion.private.key.pem sasl.oauthbearer.client.credentials.client.id
sasl.oauthbearer.client.credentials.client.secret sasl.oauthbearer.client.id sasl.oauthbearer.client.secret
sasl.oauthbearer.config sasl.oauthbearer.extensions sasl.oauthbearer.grant.type
sasl.oauthbearer.metadata.authentication.type sasl.oauthbearer.method sasl.oauthbearer.scope
sasl.oauthbearer.sub.claim.name sasl.oauthbearer.token.endpoint.url sasl.password sasl.username security.protocol
session.timeout.ms socket.blocking.max.ms socket.connection.setup.timeout.ms socket.keepalive.enable
socket.max.fails socket.nagle.disable socket.receive.buffer.bytes socket.send.buffer.bytes socket.timeout.ms
ssl.ca.location ssl.ca.pem ssl.certificate.location ssl.certificate.pem ssl.cipher.suites ssl.crl.location
ssl.curves.list ssl.endpoint.identification.algorithm ssl.engine.id ssl.engine.location ssl.key.location
ssl.key.password ssl.key.pem ssl.keystore.location ssl.keystore.password ssl.providers ssl.sigalgs.list
statistics.interval.ms sticky.partitioning.linger.ms topic.blacklist topic.metadata.propagation.max.ms
topic.metadata.refresh.fast.interval.ms topic.metadata.refresh.interval.ms topic.metadata.refresh.sparse
"""
_KNOWN = frozenset(_NAMES.split())
_ABSURD = "kafkalert.absurd"
_SECRET = re.compile(r"password|passphrase|secret|key\.pem|oauthbearer\.config")
_CODE = re.compile(r".*_cb|interceptors|on_delivery|opaque|logger|default[._]topic[._]conf(ig)?|ssl_.*")


def is_secret(name: str) -> bool:
    """Whether the property `name` holds a secret, which is never written into a file nor shown."""
    return _SECRET.search(name) is not None


def refusal(name: str) -> str:
    """Why the property `name` may not be set, as the end of a sentence that begins with it; empty if it may."""
    if name in FIXED:
        return f"cannot be set: {FIXED[name]}"
    if name in ELSEWHERE:
        return f"cannot be set here: it is {ELSEWHERE[name]}"
    if _CODE.fullmatch(name):
        return "cannot be set: it is code, not a value"
    if name in _KNOWN or _asked(name):
        return ""
    return "is not a property of librdkafka" + suggestion(name, _KNOWN)


def suggestion(name: str, known: "frozenset[str] | list[str]") -> str:
    """`. Did you mean X?` where something in `known` is close to `name`; else nothing."""
    close = get_close_matches(name, sorted(known), n=1)
    return f". Did you mean {close[0]}?" if close else ""


def rejection(name: str, value: str) -> str:
    """Why librdkafka does not take `value` for `name`, in words that follow the name; empty if it does."""
    answer = _answer(name, value)
    if _ABSURD in answer:
        return ""
    limits = re.search(r"outside allowed range (-?[0-9]+)\.\.(-?[0-9]+)", answer)
    return f"should be from {limits[1]} to {limits[2]}" if limits else "has a value that librdkafka does not take"


def _asked(name: str) -> bool:
    """Whether the installed librdkafka knows `name`."""
    return f'No such configuration property: "{name}"' not in _answer(name, "")


def _answer(name: str, value: str) -> str:
    """Return what librdkafka says to a property and, if it takes that, to an absurd one.

    So no client ever comes to be.
    """
    from confluent_kafka import KafkaException, Producer  # noqa: PLC0415 - only where properties are configured

    try:
        Producer({name: value, _ABSURD: ""})
    except KafkaException as error:
        return str(error)
    except (TypeError, ValueError):  # the Python client wants something else than a string
        return "not a string"
    return _ABSURD
