"""Personal data that masks itself: printing, formatting or logging one shows its masked form."""

from typing import Self


class Personal:
    """A value about a person. `str()`, `repr()` and formatting show it masked; `reveal()` opens it.

    Equal when class and value are equal; hashable; empty values are allowed (they are somebody else's bad data).
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Call it only to send, to match, or where the operator may see it."""
        return self._value

    def masked(self) -> str:
        """What may be printed."""
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
        return hash((type(self), self._value))

    def __copy__(self) -> Self:
        return self


class AccountId(Personal):
    """An account number, usually an IBAN (ISO 13616). Masked: country and last four, as on a card receipt."""

    __slots__ = ()

    def masked(self) -> str:
        """`NL***4300`."""
        return f"{self._value[:2]}***{self._value[-4:]}" if len(self._value) > 8 else "***"  # noqa: PLR2004


class EmailAddress(Personal):
    """An e-mail address (RFC 5321). Masked: the first letter and the domain, which an outage is about."""

    __slots__ = ()

    def masked(self) -> str:
        """`j***@example.org`."""
        local, at, domain = self._value.rpartition("@")
        return f"{local[:1]}***@{domain}" if at and local and domain else "***"


class PhoneNumber(Personal):
    """A phone number (E.164). Masked: country prefix and last two digits."""

    __slots__ = ()

    def masked(self) -> str:
        """`+31***42`."""
        return f"{self._value[:3]}***{self._value[-2:]}" if len(self._value) > 7 else "***"  # noqa: PLR2004
