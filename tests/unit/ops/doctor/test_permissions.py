"""What a client lacks for each command and stage, by what the cluster says that it may do."""

from collections.abc import Collection, Mapping

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.ops.doctor.permissions import Resource, judge, lacking, of_cluster
from kafkalert.ops.rights import Right, applies, rights

DC1 = Cluster(name="dc1", bootstrap="b:1")
SETTINGS = Settings(context=Context(clusters=("dc1",)), clusters={"dc1": DC1})
NEEDED = [one for one in of_cluster(rights(SETTINGS), "dc1") if applies(one, SETTINGS)]
RESOURCES = sorted({(one.kind, name) for one in NEEDED for name in one.on})
OPERATIONS = ("READ", "WRITE", "CREATE", "ALTER", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS")
ALLOWED = st.fixed_dictionaries(
    {one: st.none() | st.frozensets(st.sampled_from(OPERATIONS)) for one in RESOURCES if one[0] != "cluster"}
)


@given(ALLOWED)
def test_a_command_lacks_what_it_needs_and_may_not(allowed: Mapping[Resource, Collection[str] | None]) -> None:
    """What is not told is not held to be missing."""
    told = {
        (one.who, kind, name, operation)
        for one in lacking(NEEDED, allowed)
        for (kind, name), operations in one.lacks.items()
        for operation in operations
    }
    wanted = {(one.who, one.kind, name, each) for one in NEEDED for name in one.on for each in one.operations}
    unknown = {resource for resource in RESOURCES if allowed.get(resource) is None}
    given_ = {(*resource, each) for resource, may in allowed.items() for each in may or ()}
    assert told == {one for one in wanted if one[1:3] not in unknown and one[1:] not in given_}


def test_who_may_create_topics_everywhere_may_create_each() -> None:
    one = Right("topics apply", ("CREATE",), "topic", ("a",))
    allowed = {("topic", "a"): frozenset({"DESCRIBE"})}
    assert lacking([one], allowed)
    assert not lacking([one], {**allowed, ("cluster", "kafka-cluster"): frozenset({"CREATE"})})


def test_what_is_lacking_is_told_for_the_command() -> None:
    """It is wrong where somebody said that this client is to do that; else somebody else may be."""
    needed = [
        Right("run x", ("READ", "WRITE"), "topic", ("a", "b")),
        Right("run x", ("READ",), "group", ("g",), "the lag is not known"),
        Right("tail", ("READ",), "topic", ("a",)),
    ]
    allowed = {("topic", "a"): {"READ"}, ("topic", "b"): {"READ"}, ("group", "g"): frozenset[str]()}
    lacks, fine = judge(DC1, needed, allowed, meant=False)
    assert lacks.text == ("User:ANONYMOUS lacks for `run x` on dc1: WRITE on topic a, b; READ on group g.")
    assert str(lacks.grade) == "look"
    assert "topics acls 'run x' --grant User:ANONYMOUS" in lacks.hint
    assert fine.text == "User:ANONYMOUS lacks no right for `tail`."
    (lacks, _) = judge(DC1, needed, allowed, meant=True)
    assert str(lacks.grade) == "bad"
    less = {**allowed, ("topic", "a"): {"READ", "WRITE"}, ("topic", "b"): {"READ", "WRITE"}}
    (lacks, _) = judge(DC1, needed, less, meant=True)
    assert (str(lacks.grade), lacks.text.partition(". ")[2]) == ("look", "Without it: the lag is not known.")


def test_a_prefix_stands_for_the_names_of_this_cluster() -> None:
    (offsets,) = {name for one in NEEDED if one.who == "mirror status" for name in one.on if "mirror" in name}
    assert offsets == "kafkalert.mirror.dc1.offsets"
    workers = of_cluster(rights(SETTINGS, ["Connect workers"]), "dc2")
    assert workers[-1].on == ("kafkalert-mirror-into-dc2",)
    assert not [name for one in workers for name in one.on if name.endswith("*")]
