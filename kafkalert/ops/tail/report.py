"""What `tail` did not show, and why."""

from collections import Counter
from dataclasses import dataclass, field

from kafkalert.ops.wording import counted


@dataclass
class Report:
    """Counts of what was read and not shown, and what was not read at all."""

    shown: int = 0
    filtered: int = 0
    undecodable: Counter[str] = field(default_factory=Counter)
    """By the code of the decoding error."""
    expired: int = 0
    """Offsets that retention removed while they were waited for."""
    missing: list[str] = field(default_factory=list)
    """Topics that do not exist."""
    unread: list[str] = field(default_factory=list)
    """Partitions that did not answer, as topic[number]."""
    unseen: list[str] = field(default_factory=list)
    """Fields of --grep that no record had."""

    @property
    def whole(self) -> bool:
        """Whether all partitions were read."""
        return not self.unread

    def sentences(self) -> list[str]:
        """One sentence for each thing that is missing from what was shown."""
        said = []
        if self.undecodable:
            reasons = ", ".join(f"{count} {code}" for code, count in sorted(self.undecodable.items()))
            said.append(f"{counted(self.undecodable.total(), 'record')} could not be decoded ({reasons}); skipped.")
        if self.expired:
            said.append(f"{counted(self.expired, 'record')} expired by retention before being read.")
        if self.filtered:
            said.append(f"{counted(self.filtered, 'record')} did not match --grep.")
        if self.unseen and (self.filtered or self.shown):
            said.append(f"No record has a field {' or '.join(self.unseen)}; look at -o json for the names.")
        if self.missing:
            several = len(self.missing) > 1
            topics = ", ".join(self.missing)
            said.append(f"Topic{'s' * several} {topics} {'do' if several else 'does'} not exist yet.")
        if self.unread:
            said.append(f"Not read, because it did not answer: {', '.join(self.unread)}.")
        return said
