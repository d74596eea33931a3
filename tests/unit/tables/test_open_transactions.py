"""Rows behind an open transaction: said once they have waited for too long, and no other rows are."""

from pydantic import SecretStr

from kafkalert.config.sections import Cluster
from kafkalert.tables.open_transactions import OpenTransactions

CLUSTER = Cluster(name="dc1", bootstrap="a:9092,b:9092")
HERE, THERE = ("settings", 0), ("settings", 1)


def test_rows_that_wait_are_told_with_their_place_their_number_and_how_long() -> None:
    """The longest first; in the end nothing waits."""
    waits = OpenTransactions(CLUSTER)
    waits.look({HERE: 7, THERE: 3}, {HERE: 9, THERE: 3}, 100.0)
    assert waits.overdue(105.0, 5.0) == ""
    waits.look({HERE: 7, THERE: 3}, {HERE: 10, THERE: 5}, 104.0)
    told = waits.overdue(106.0, 5.0)
    assert told.startswith(
        "a transaction of another program is open in settings[0] from offset 7 on, for 6 s: 3 records of the"
    )
    assert "settings[0] from offset 7 on, for 10 s: 5 records" in waits.overdue(110.0, 5.0)
    waits.look({HERE: 10, THERE: 5}, {HERE: 10, THERE: 5}, 111.0)
    assert waits.overdue(200.0, 5.0) == ""


def test_what_names_the_producer_and_ends_the_transaction_is_told_with_all_that_it_takes() -> None:
    """As one may copy it; a cluster that asks who comes needs a file that the tool has, and this does not."""
    told = []
    for cluster in (CLUSTER, Cluster(name="dc1", bootstrap="a:9093", kafka={"security.protocol": SecretStr("SSL")})):
        waits = OpenTransactions(cluster)
        waits.look({HERE: 7}, {HERE: 8}, 100.0)
        told.append(waits.overdue(106.0, 5.0))
    assert told[0].endswith(
        "1 record of the customer tables wait there until it ends (`kafka-transactions.sh --bootstrap-server "
        "a:9092,b:9092 describe-producers --topic settings --partition 0` names the producer; `abort --topic settings "
        "--partition 0 --start-offset 7` in place of describe-producers ends it)"
    )
    assert "--bootstrap-server a:9093 --command-config FILE describe-producers --topic" in told[1]


def test_rows_that_are_being_read_do_not_wait() -> None:
    """However far behind it is: each look finds it further."""
    waits = OpenTransactions(CLUSTER)
    for step in range(20):
        waits.look({HERE: step}, {HERE: 1000}, 100.0 + step)
        assert waits.overdue(100.0 + step, 5.0) == ""


def test_a_partition_of_which_nothing_is_told_does_not_wait() -> None:
    """Fetching has not told its end yet, or its end is behind."""
    waits = OpenTransactions(CLUSTER)
    waits.look({HERE: 7, THERE: 7}, {THERE: 6}, 100.0)
    assert waits.overdue(200.0, 5.0) == ""
