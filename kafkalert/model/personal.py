"""Personal data that masks itself: printing, formatting or logging one shows its masked form.

A mask shows at most a third of a value and at most four characters, and nothing of a value shorter than six. Of an
e-mail address that concerns the local part; its domain, which an outage is about, is shown.
"""

import re
from typing import Final, Self

MOST_SHOWN: Final = 4
SHOWN_OF: Final = 3
"""One character in so many may be shown."""
LEAST_LENGTH: Final = 6
"""Nothing of a shorter value is shown."""

_DOMAIN: Final = re.compile(r"(?:[\w-]{1,63}\.)+[^\W\d_]{2,63}")


def ending(value: str, most: int = MOST_SHOWN) -> str:
    """Return the last characters of `value`, `most` at most, that a mask may show; often none.

    What fills a short value up counts for nothing: separators, and zeros at its start.
    """
    length = sum(map(str.isalnum, value.lstrip(" 0")))
    shown = min(most, length // SHOWN_OF) if length >= LEAST_LENGTH else 0
    return value[len(value) - shown :]


class Personal:
    """A value about a person. `str()`, `repr()` and formatting show it masked; `reveal()` opens it.

    Equal when class and value are equal; hashable; empty values are allowed (they are somebody else's bad data).
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself. Call it only to send, to match, or where the operator may see it."""
        return self._value

    def masked(self) -> str:
        """Return what may be printed."""
        return "***"

    def __str__(self) -> str:
        return self.masked()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked()})"

    def __format__(self, spec: str) -> str:
        return format(self.masked(), spec)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Personal) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Self:
        return self


class AccountId(Personal):
    """An account number, usually an IBAN (ISO 13616). Masked: the last four, as on a card receipt."""

    __slots__ = ()

    def masked(self) -> str:
        """`***4300`."""
        return f"***{ending(self._value)}"


class EmailAddress(Personal):
    """An e-mail address (RFC 5321). Masked: the first letter of three or more, and the domain if it is one."""

    __slots__ = ()

    def masked(self) -> str:
        """`j***@example.org`."""
        local, _, domain = self._value.rpartition("@")
        if not local or len(self._value) < LEAST_LENGTH or not _DOMAIN.fullmatch(domain):
            return "***"
        return f"{local[:1] if len(local) >= SHOWN_OF else ''}***@{domain}"


class PhoneNumber(Personal):
    """A phone number (E.164). Masked: the last two digits."""

    __slots__ = ()

    def masked(self) -> str:
        """`***42`."""
        return f"***{ending(self._value, 2)}"
