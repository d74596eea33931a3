"""What types cannot say about a configuration: names that have to exist, places that have to differ.

Everything here works on the raw tables and takes them as they are, so that it reports beside what types find.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kafkalert.config.loading.report import Report
from kafkalert.config.loading.tables import table
from kafkalert.config.properties import suggestion
from kafkalert.config.stages import topic_names

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
CONNECT_FILES: Final = ("connect_ca", "connect_certificate", "connect_key")
"""Keys of a cluster that name files by which https to its Connect workers goes."""
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_BROKER = re.compile(r"(?:[A-Za-z]+://)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\]):([0-9]{1,5})")
_WORKER = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\]):([0-9]{1,5})(?:/[A-Za-z0-9._~/-]*)?")
_PORTS = range(1, 65536)


def choose(raw: Mapping[str, Any], flag: str | None, report: Report) -> str | None:
    """Return the name of the context in force, or None after reporting why there is none."""
    known = list(table(raw, "contexts"))
    place = ["-C" if flag else "context"]
    name = flag or raw.get("context")
    if name is None and len(known) == 1:
        return known[0]
    if name is None:
        report.add(place, f"is missing. Choose one of {_listed(known)} by it or by -C")
        return None
    if name in known:
        return str(name)
    what = f"names {name}, which is no context; there is {_listed(known)}{suggestion(str(name), known)}"
    report.add(place, what, source="the command line" if flag else "")
    return None


def check(raw: Mapping[str, Any], report: Report) -> None:
    """Report what is wrong with names and addresses in all of the document, and what one key needs of another."""
    for kind in ("clusters", "contexts"):
        for name in table(raw, kind):
            if not NAME.fullmatch(name):
                report.add([kind, name], "is a name with other characters than letters, digits, - and _")
    _check_text(raw, [], report)
    known = list(table(raw, "clusters"))
    if raw.get("clusters", {}) == {}:
        report.add(["clusters"], 'is missing. Add [clusters.dc1] with bootstrap = "HOST:PORT"')
    for context in table(raw, "contexts"):
        named = table(raw, "contexts", context).get("clusters")
        for cluster in _strings(named):
            if cluster not in known:
                what = f"names {cluster}, which is no cluster; there is {_listed(known)}{suggestion(cluster, known)}"
                report.add(["contexts", context, "clusters"], what)
        if len(set(_strings(named))) < len(_strings(named)):
            report.add(["contexts", context, "clusters"], "names a cluster twice")
    _check_bootstraps(raw, report)
    _check_workers(raw, report)
    _check_topics(raw, report)
    _check_registry(table(raw, "serde"), report)


def _check_text(value: object, place: Sequence[str], report: Report) -> None:
    """Refuse bytes that are no UTF-8, which a variable may hold; a client library takes neither these nor a NUL."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _check_text(inner, [*place, str(name)], report)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner, place, report)
    elif isinstance(value, str) and any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
        report.add(place, "should be text: it holds bytes that are none")


def _check_registry(serde: Mapping[str, Any], report: Report) -> None:
    if "@" in str(serde.get("registry", "")):
        report.add(["serde", "registry"], "should hold no credentials; they are registry_auth")
    if serde.get("framing") == "confluent" and not serde.get("registry"):
        report.add(["serde", "registry"], "is missing; the framing confluent needs it")


def _check_bootstraps(raw: Mapping[str, Any], report: Report) -> None:
    seen: dict[str, str] = {}
    for cluster in table(raw, "clusters"):
        place = ["clusters", cluster, "bootstrap"]
        bootstrap = table(raw, "clusters", cluster).get("bootstrap")
        if not isinstance(bootstrap, str):
            continue
        for broker in bootstrap.split(","):
            match = _BROKER.fullmatch(broker.strip())
            if not match or int(match[1]) not in _PORTS:
                report.add(place, "should be HOST:PORT, or several of them with commas between")
                break
            other = seen.setdefault(broker.strip(), cluster)
            if other != cluster:
                report.add(place, f"names a broker of {other}; each cluster has its own")
                break


def _check_workers(raw: Mapping[str, Any], report: Report) -> None:
    seen: dict[str, str] = {}
    for cluster in table(raw, "clusters"):
        keys = table(raw, "clusters", cluster)
        connect = keys.get("connect")
        for key in ("connect_auth", *CONNECT_FILES):
            if key in keys and not connect:
                report.add(["clusters", cluster, key], "is of no use without connect, the URL of the Connect worker")
        if "connect_key" in keys and "connect_certificate" not in keys:
            report.add(["clusters", cluster, "connect_key"], "is of no use without connect_certificate")
        if not isinstance(connect, str):
            continue
        place = ["clusters", cluster, "connect"]
        for url in (each.strip() for each in connect.split(",")):
            match = _WORKER.fullmatch(url)
            if "@" in url:
                report.add(place, "should hold no credentials; they are connect_auth")
            elif not match or int(match[1]) not in _PORTS:
                report.add(place, "should be http://HOST:PORT or https://HOST:PORT, or several with commas between")
            elif seen.setdefault(url.rstrip("/"), cluster) != cluster:
                report.add(place, f"names a worker of {seen[url.rstrip('/')]}; each cluster has its own beside it")
            else:
                continue
            break


def _check_topics(raw: Mapping[str, Any], report: Report) -> None:
    names = table(raw, "topics", "names")
    used: dict[str, str] = {topic: topic for topic in topic_names() if topic not in names}
    for topic, name in names.items():
        place = ["topics", "names", topic]
        if topic not in topic_names():
            report.add(place, "is no topic of the pipeline" + suggestion(topic, list(topic_names())))
        elif not isinstance(name, str) or not _TOPIC.fullmatch(name) or name in (".", ".."):
            report.add(place, "should be a topic's name: letters, digits, '.', '_' and '-', at most 249")
        elif used.setdefault(name, topic) != topic:
            report.add(place, f"is the name of {used[name]} too")


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
