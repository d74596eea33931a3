"""What help shows of a key."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    `keys`: as a terminal library names them, with commas between. `shown`: what stands in help. `action`: what is
    called by it. `words`: what that does. `screen`: the only one on which it does; empty for all.
    """

    keys: str
    shown: str
    action: str
    words: str
    screen: str = ""
