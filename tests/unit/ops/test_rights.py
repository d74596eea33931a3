"""One table of rights: what `topics acls` prints, and what docs/security.md has, word for word."""

from pathlib import Path

from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.ops.rights import WHO, Right, commands, rights

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


def test_every_command_that_asks_a_cluster_is_there() -> None:
    assert {"topics plan", "run alerting", "run bridge", "tail", "failover --to", "Connect workers"} <= set(WHO)
