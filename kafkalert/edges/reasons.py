"""Why a line is no record: msgspec's reason in plain words, without anything that the line says.

msgspec quotes enum values and unknown names, which may be anybody's data; so its sentence is taken apart, and only
words and field names of ours come out.
"""

import re
from collections.abc import Collection
from difflib import get_close_matches

from msgspec import ValidationError

_PATH = re.compile(r" - at `\$([^`]*)`\Z")
_TYPES = re.compile(r"Expected `([a-z0-9 |]+)`, got `([a-z]+)`")
_AT_LEAST = re.compile(r"Expected `int` >= (-?[0-9]+)")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_MISSING = re.compile(r"Object missing required field `([A-Za-z]+)`")
_PLACE = re.compile(r"JSON is malformed: .*\(byte ([0-9]+)\)\Z", re.DOTALL)
_WORDS = {
    "int": "a whole number",
    "float": "a number with a fraction",
    "str": "a string",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "an array",
}
_CHOICES = {"channels": "EMAIL, PUSH, SMS"}
_INDICATOR = "CRDT, DBIT"


def reason(error: Exception, names: Collection[str]) -> str:
    """Return what is wrong, as "path.of.field: expected a whole number, got a string"; safe to print.

    `names` are the field names of the schema, one of which an unknown field may have meant.
    """
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    text = str(error)
    if not isinstance(error, ValidationError):
        place = _PLACE.match(text)
        return f"not JSON (near byte {int(place[1]) + 1})" if place else "not JSON (it ends too early)"
    if unknown := _UNKNOWN.match(text):
        meant = get_close_matches(unknown[1], names, n=1)
        return "a field that does not belong there" + (f"; did you mean {meant[0]}?" if meant else "")
    path = _path(text)
    what = _what(text, path)
    return f"{path}: {what}" if path else what


def _path(text: str) -> str:
    """Return the path of the field that msgspec found fault with; empty for the whole line."""
    found = _PATH.search(text)
    return found[1].removeprefix(".") if found else ""


def _what(text: str, path: str) -> str:  # noqa: PLR0911 - one line a kind
    if types := _TYPES.match(text):
        wanted = " or ".join(_WORDS.get(name, name) for name in types[1].split(" | "))
        return f"expected {wanted}, got {_WORDS.get(types[2], types[2])}"
    if missing := _MISSING.match(text):
        return f"{missing[1]} is missing"
    if text.startswith("Invalid enum value"):
        return f"none of {next((names for key, names in _CHOICES.items() if f'{key}[' in path), _INDICATOR)}"
    if text.startswith("Expected `str` of length >= 1"):
        return "is empty"
    if (least := _AT_LEAST.match(text)) and least[1] == "0":
        return "is negative"
    if "out of range" in text or text.startswith("Expected `int`"):
        return "does not fit 64 bits"
    return "not as the schema wants it"
