"""Text that may leave the process: no character steers a terminal, and what an encoding lacks is written out."""

import codecs
import re
from typing import Final

from kafkalert.model.personal import AccountId, PhoneNumber

ERRORS: Final = "kafkalert.escape"
"""The `errors` of a stream that writes what its encoding lacks as text: `->` for an arrow, else `\\u1234`."""

_IN_ASCII: Final = {"→": "->", "…": "...", "✓": "ok", "✗": "failed", "·": "-", "━": "-"}
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_PHONE: Final = re.compile(r"(?<![\w+])\+[1-9][0-9]{9,14}(?![0-9])", re.ASCII)
_CHECK: Final = 97


def escaped(text: str) -> str:
    """`text` in one line; control characters, escapes, bidirectional overrides and stray bytes are written as text."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def masked(text: str) -> str:
    """`text` with account numbers (ISO 13616) and phone numbers (E.164) masked, wherever they stand.

    E-mail addresses are left: operators' names and principals look like them, and no sentence is made of a customer's.
    """
    if "+" in text:
        text = _PHONE.sub(lambda found: str(PhoneNumber(found[0])), text)
    return _IBAN.sub(lambda found: str(AccountId(found[0])) if _checks(found[0]) else found[0], text)


def escape_errors() -> None:
    """Make ERRORS known to Python's codecs."""
    codecs.register_error(ERRORS, _written_out)


def _checks(iban: str) -> bool:
    """Whether the check digits are right (ISO 7064), so that a word of the same form is not taken for an account."""
    digits = iban.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in digits[4:] + digits[:4])) % _CHECK == 1


def _written_out(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(char, char.encode("unicode_escape").decode()) for char in lacking), error.end
