"""What the rules say of a booking by one state of the tables. Pure."""

from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.errors import DecodingError
from kafkalert.model.ids import CustomerId
from kafkalert.model.moment import moment
from kafkalert.model.records import CustomerAlertSettings
from kafkalert.ops.explain.booking import Facts
from kafkalert.ops.explain.deciding import outcomes
from kafkalert.ops.explain.explanation import Judgement, TableRow
from kafkalert.ops.explain.history import InForce
from kafkalert.rules.rule import installed
from kafkalert.serde import records
from kafkalert.serde.codec import Codec


def judge(
    settings: Settings, codec: Codec, told: Facts, customer: CustomerId, authorisation: InForce, wishes: InForce
) -> Judgement:
    """Return what a booking raises for `customer` by these two rows; what is not known stays so."""
    customers, no_authorisation = _customers(codec, authorisation)
    row, no_wishes = _wishes(codec, wishes)
    key = settings.alerts.id_key.get_secret_value()
    found = outcomes(told, customer, row, installed(), key) if row is not None else ()
    return Judgement(
        _row(settings.topic(names.ACCOUNTTOCUSTOMERIDS), authorisation, no_authorisation),
        _row(settings.topic(names.CUSTOMERALERTSETTINGS), wishes, no_wishes),
        authorised=customer in customers if authorisation.known else None,
        asked=bool(found) if wishes.known else None,
        outcomes=found,
    )


def _customers(codec: Codec, one: InForce) -> tuple[tuple[CustomerId, ...], str]:
    """Return who may see the account, and why nobody knows it."""
    try:
        return (records.customer_ids(codec, one.value) if one.value else ()), ""
    except DecodingError as error:
        return (), error.code


def _wishes(codec: Codec, one: InForce) -> tuple[CustomerAlertSettings | None, str]:
    """Return what the customer asked for, and why nobody knows it."""
    try:
        return (records.settings(codec, one.value) if one.value else None), ""
    except DecodingError as error:
        return None, error.code


def _row(topic: str, one: InForce, problem: str) -> TableRow:
    version = one.version
    if version is None:
        return TableRow(one.known, False if one.known else None)
    place = f"{topic}[{version.partition}]@{version.offset}"
    return TableRow(one.known, version.value is not None, moment(version.timestamp), place, problem or version.problem)
