"""Money in minor units, and the places that a currency has."""

from decimal import Decimal
from typing import NewType

Minor = NewType("Minor", int)
"""An amount in a currency's minor units: cents of EUR, yen of JPY, fils of KWD."""

# ISO 4217, list one: the currencies whose minor unit is not a hundredth.
_PLACES_OF = (
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
    # Withdrawn (list three, which tells no minor units: as the JDK has them), so that an old booking reads as it did.
    (0, "ADP BEF BYB BYR ESP GRD ITL LUF MGF PTE ROL TPE TRL"),
)
_PLACES = {code: digits for digits, codes in _PLACES_OF for code in codes.split()}


def places(currency: str) -> int:
    """Digits after the point in `currency` (ISO 4217 code, withdrawn ones too).

    2 where the code is not known, or is that of no money, such as gold (XAU) or a test (XTS).
    """
    return _PLACES.get(currency, 2)


def major(amount: int | Decimal, currency: str) -> str:
    """`amount` (minor units) in major units: 100000 is "1000.00" in EUR, "100000" in JPY.

    A fraction of a minor unit keeps its digits. Plain notation, a leading minus where negative.
    """
    digits = places(currency)
    if isinstance(amount, Decimal):
        sign, figures, exponent = amount.as_tuple()
        return format(Decimal((sign, figures, int(exponent) - digits)), "f")  # exact, at any length
    return with_point(amount, digits)


def with_point(amount: int, digits: int) -> str:
    """`major` of a whole amount in a currency of so many places."""
    if not digits:
        return str(amount)
    text = str(abs(amount))
    if len(text) <= digits:
        text = text.rjust(digits + 1, "0")
    return f"{'-' if amount < 0 else ''}{text[:-digits]}.{text[-digits:]}"
