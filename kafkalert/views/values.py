"""Values as cells of tables and lines have them."""

from kafkalert.model.printable import escaped


def printable(value: object) -> str:
    """Return a cell's text: nothing for None, yes or no for a flag, and no control character."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(printable(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={printable(item)}" for key, item in value.items())
    return escaped(str(value))
