"""The verdict of a drill: what became of canaries, against a plain count; and that canaries are nobody's."""

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kafkalert.commands.failover_drill import COLUMNS, report_words, write
from kafkalert.commands.output import Format
from kafkalert.config.sections import Cluster, Context, Drill, Settings
from kafkalert.model.ids import AlertId
from kafkalert.ops.failover.drill.canaries import Canaries
from kafkalert.ops.failover.drill.verdict import Counted, Leg, Report, Sent, Sight, count, problems_of
from kafkalert.ops.failover.result import Outcome
from kafkalert.serde.build import codec
from kafkalert.serde.records import customer_ids, settings

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2"), prefix="p."),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")},
)
WELL = Counted(5, 0, 5, 0, 0, 0, 10, 20, 0.1)
FATES = ("once", "twice", "lost", "one-sided", "refused", "unanswered", "unanswered, alerted")


def leg(source: str, target: str, canaries: Counted = WELL, problem: str = "") -> Leg:
    """A leg that switched."""
    return Leg(source, target, Outcome.SWITCHED, 1, 1.0, 1.0, {}, canaries, problem)


def story(fates: list[str]) -> tuple[list[Sent], Mapping[AlertId, bool], Mapping[AlertId, list[Sight]]]:
    """Canaries a second apart, each alerted half a second later, if at all."""
    sent, answered, sights = [], {}, {}
    for number, fate in enumerate(fates):
        alert = AlertId(f"alert-{number}")
        sent.append(Sent(alert, 1, float(number)))
        native, copy = Sight("dc1", native=True, at=number + 0.5), Sight("dc2", native=False, at=number + 0.6)
        if not fate.startswith("unanswered"):
            answered[alert] = fate != "refused"
        if fate in {"once", "twice", "unanswered, alerted"}:
            sights[alert] = [copy, native]
        if fate == "twice":
            sights[alert].append(Sight("dc2", native=True, at=number + 0.9))
        if fate == "one-sided":
            sights[alert] = [native]
    return sent, answered, sights


@given(st.lists(st.sampled_from(FATES), max_size=30))
def test_every_canary_is_counted_as_what_became_of_it(fates: list[str]) -> None:
    """Refused ones are nobody's loss; a copy by the mirror is no repeat; what nobody answered for is not missed."""
    counted = count(*story(fates))
    taken = [one for one in fates if one in {"once", "twice", "lost", "one-sided"}]
    assert counted.sent == len(taken)
    assert counted.lost == fates.count("lost")
    assert counted.seen == counted.sent - counted.lost
    assert counted.repeated == fates.count("twice")
    assert counted.one_sided == fates.count("one-sided")
    assert counted.unanswered == fates.count("unanswered") + fates.count("unanswered, alerted")
    arrived = [n for n, one in enumerate(fates) if one in {"once", "twice", "one-sided", "unanswered, alerted"}]
    assert counted.p50_ms == counted.max_ms == (500 if arrived else None)
    assert counted.gap_seconds == max((b - a for a, b in pairwise(arrived)), default=None)


@given(st.lists(st.sampled_from(FATES), max_size=30))
def test_ok_is_only_where_something_was_proven_and_nothing_is_wrong(fates: list[str]) -> None:
    problems = count(*story(fates)).problems()
    good = {"once", "refused", "unanswered", "unanswered, alerted"}
    assert (problems == []) == (set(fates) <= good and "once" in fates)


def test_copies_that_the_mirror_repeats_are_no_repeats() -> None:
    sent, answered, sights = story(["once"])
    (seen,) = sights.values()
    seen.append(Sight("dc2", native=False, at=3.0))
    assert count(sent, answered, sights).problems() == []


def test_a_drill_is_ok_where_both_legs_are_and_stages_are_home() -> None:
    """Each problem names its leg; where stages did not come home, it says how to go there."""
    there, back = leg("dc1", "dc2"), leg("dc2", "dc1")
    assert problems_of([there, back], "dc1", "dc1") == []
    assert problems_of([], "dc1", "dc1") == ["Nothing was switched."]
    lost = leg("dc2", "dc1", Counted(5, 0, 3, 2, 0, 0, 10, 20, 0.1))
    (problem,) = problems_of([there, lost], "dc1", "dc1")
    assert problem.startswith("dc2 to dc1: 2 of 5 canaries were lost")
    failed = leg("dc2", "dc1", WELL, "The switch was called off.")
    problems = problems_of([there, failed], "dc1", "dc2")
    assert problems[0] == "dc2 to dc1: The switch was called off."
    assert problems[1].endswith("go back with `kafkalert failover --to dc1`.")


def test_canaries_are_entries_that_their_rows_alert() -> None:
    """The rows name the account's customer and an address of the bank's own; ids differ by drill and number."""
    one = Canaries(SETTINGS, "x")
    wishes, authorised = one.rows()
    assert (wishes.topic, authorised.topic) == ("p.customeralertsettings", "p.accounttocustomerids")
    read = settings(codec(SETTINGS.serde), wishes.value)
    assert customer_ids(codec(SETTINGS.serde), authorised.value) == (read.customer,) == ("kafkalert-canary",)
    assert [each.reveal() for each in read.addresses if not isinstance(each, str)] == ["canary@example.invalid"]
    assert [(each.key, each.value) for each in one.tombstones()] == [(authorised.key, None), (wishes.key, None)]
    entry, alert = one.entry(7, 1)
    assert dict(entry.headers)["ka-id"] == "kafkalert-canary/x/7"
    others = [one.entry(8, 1)[1], Canaries(SETTINGS, "y").entry(7, 1)[1]]
    assert alert not in others


@pytest.mark.parametrize("own", ["NL91ABNA0417164300", "kafkalert", "xkafkalert-canary", "kafkalert-canary 1", ""])
def test_no_account_of_a_customer_can_be_a_canary(own: str) -> None:
    with pytest.raises(ValidationError):
        Drill(account=own)
    with pytest.raises(ValidationError):
        Drill(customer=own)
    assert Drill(account="kafkalert-canary-2").account == "kafkalert-canary-2"


def test_people_see_a_row_a_leg_and_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where nothing was moved."""
    legs = (leg("dc1", "dc2"), leg("dc2", "dc1"))
    report = Report(1, "test", "x", "OK", "dc1", "dc1", legs, 20.04, ())
    write(report, Format.TSV)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t") == list(COLUMNS)
    assert lines[2].split("\t") == ["dc2", "dc1", "switched", "1.0", "1.0", "0.1", "5", "0", "0", "0", "10", "20"]
    write(report, Format.TABLE)
    assert "dc2" in capsys.readouterr().out
    assert list(report_words(report)) == ["The drill is OK, after 20.0 s. Stages run on dc1."]
    nothing = Report(1, "test", "x", "NOT OK", "dc1", "dc1", (), 1.0, ("Nothing was switched.",))
    write(nothing, Format.TABLE)
    assert capsys.readouterr().out == ""
    assert list(report_words(nothing))[1:] == ["Nothing was switched."]
