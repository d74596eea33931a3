"""One table of rights: what `topics acls` prints, and what docs/security.md has, word for word."""

import shlex
from pathlib import Path

from kafkalert.config.sections import Cluster, Context, Engine, Settings
from kafkalert.ops.rights import WHO, Right, applies, commands, rights

DOCUMENT = Path(__file__).parents[3] / "docs" / "security.md"


def settings(prefix: str = "") -> Settings:
    """A context of one cluster."""
    context = Context(clusters=("dc1",), prefix=prefix)
    return Settings(context=context, clusters={"dc1": Cluster(name="dc1", bootstrap="b:9092")})


def line(one: Right) -> str:
    """A right as a line of the document's table."""
    on = one.label or ", ".join(f"`{name}`" for name in one.on)
    kind = "" if one.label or one.kind == "cluster" else f"{one.kind} "
    what = "the cluster" if one.kind == "cluster" else f"{kind}{on}"
    return f"| `{one.who}` | {', '.join(one.operations)} | {what} | {one.without} |"


def test_the_document_has_the_table_of_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    _, _, table = text.partition("| who | right | on | without it |\n| --- | --- | --- | --- |\n")
    assert table.partition("\n\n")[0].splitlines() == [line(one) for one in rights(settings())]


def test_names_are_those_of_the_context() -> None:
    """Groups of a stage have the prefix; those of clients that join none have not."""
    (one,) = [each for each in rights(settings("bank."), ["failover --to"]) if each.kind == "group"]
    assert one.on == ("bank.kafkalert.alerting",)
    on = {name for each in rights(settings("bank."), ["run alerting"]) if each.kind == "group" for name in each.on}
    assert on == {"bank.kafkalert.alerting", "kafkalert.tables", "kafkalert.control"}
    assert all(name.startswith("bank.") for each in rights(settings("bank."), ["tail"]) for name in each.on[:1])


def test_what_grants_them_is_kafkas_own_tool() -> None:
    """Each line once; a prefix is said as one."""
    found = rights(settings(), ["seed settings", "Connect workers", "run alerting"])
    lines = commands(found, "User:a", "b:9092")
    begin = "kafka-acls.sh --command-config admin.properties --bootstrap-server b:9092 --add --allow-principal User:a"
    assert f"{begin} --operation Write --topic customeralertsettings" in lines
    assert f"{begin} --operation Read --group kafkalert-mirror-into- --resource-pattern-type prefixed" in lines
    assert f"{begin} --operation DescribeConfigs --cluster" in lines
    assert len(set(lines)) == len(lines)


def test_a_shell_takes_the_lines_as_they_are() -> None:
    """A principal of a certificate has blanks, and may have what a shell reads as its own."""
    principal = "User:CN=o'neil,OU=alerts team,O=$BANK"
    (one, *_) = commands(rights(settings(), ["failover history"]), principal, "b:9092")
    assert principal in shlex.split(one)


def test_what_another_kind_of_context_needs_is_not_granted() -> None:
    """One cluster and one hop need neither the control log nor the topic between two hops."""
    one = settings()
    two = Settings(
        context=Context(clusters=("dc1", "dc2")),
        clusters={name: Cluster(name=name, bootstrap=f"{name}:9092") for name in ("dc1", "dc2")},
        engine=Engine(mode="two-hop"),
    )
    extra = {right.on for right in rights(one, ["run alerting"]) if not applies(right, one)}
    assert extra == {("customeraccountentry",), ("kafkalert.control",)}
    assert all(applies(right, two) for right in rights(two))


def test_every_command_that_asks_a_cluster_is_there() -> None:
    assert {
        "doctor",
        "failover repair",
        "topics plan",
        "run alerting",
        "run bridge",
        "tail",
        "failover --to",
        "Connect workers",
    } <= set(WHO)
