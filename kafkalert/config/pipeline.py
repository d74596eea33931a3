"""The pipeline's topics, and what each of them is: the one table of which all lists of topics are filters.

docs/topics.md says the same for people. Topics stand here by their own names; configuration may rename them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kafkalert.config import names
from kafkalert.model.records import Channel


@dataclass(frozen=True, slots=True)
class PipelineTopic:
    """What is so of a topic in every context.

    `key` and `value` name the schemas of its records; they are empty where records differ. `channel` is what its
    messages reach a customer by, `word` what `kafkalert tail` calls it. `keyed`: records of a key keep their order, or
    replace each other. `internal`: JSON about the pipeline itself, in one partition, of one cluster alone, and nothing
    in it is about a person; the mirror carries all other topics.
    """

    name: str
    key: str = ""
    value: str = ""
    channel: Channel | None = None
    word: str = ""
    compacted: bool = False
    keyed: bool = True
    internal: bool = False


_MESSAGE: Final = "OutboundMessage"
PIPELINE: Final = (
    PipelineTopic(names.ACCOUNTENTRY, "AccountId", "AccountEntry", word="entries"),
    PipelineTopic(names.ACCOUNTTOCUSTOMERIDS, "AccountId", "CustomerIds", compacted=True),
    PipelineTopic(names.CUSTOMERALERTSETTINGS, "CustomerId", "CustomerAlertSettings", compacted=True),
    PipelineTopic(names.CUSTOMERACCOUNTENTRY, "CustomerId", "AccountEntry"),
    PipelineTopic(names.OUTBOUNDEMAILMESSAGE, "EmailAddress", _MESSAGE, Channel.EMAIL, "email"),
    PipelineTopic(names.OUTBOUNDSMSMESSAGE, "PhoneNumber", _MESSAGE, Channel.SMS, "sms"),
    PipelineTopic(names.OUTBOUNDCUSTOMERPUSHMESSAGE, "CustomerId", _MESSAGE, Channel.PUSH, "push"),
    PipelineTopic(names.OUTBOUNDPUSHMESSAGE, "PushId", _MESSAGE, word="devices"),
    *(PipelineTopic(name) for name in names.RECEIPTS),
    PipelineTopic(names.DEADLETTER, keyed=False),
    PipelineTopic(names.CONTROL, internal=True),
    PipelineTopic(names.STATUS, internal=True),
)
"""Every topic of the pipeline."""

TOPICS: Final = tuple(topic.name for topic in PIPELINE)
"""Their names."""
TABLES: Final = tuple(topic.name for topic in PIPELINE if topic.compacted)
"""The compacted topics: who may see an account, and who asked for what."""
OUTBOUND: Final[Mapping[Channel, str]] = {topic.channel: topic.name for topic in PIPELINE if topic.channel is not None}
"""Where alerting puts the messages of each channel."""
SCHEMAS: Final[Mapping[str, tuple[str, str]]] = {
    topic.name: (topic.key, topic.value) for topic in PIPELINE if topic.key
}
"""Key and value of the topics whose records are always the same, by topic."""
WORDS: Final[Mapping[str, str]] = {
    topic.word: topic.name for topic in sorted(PIPELINE, key=lambda topic: topic.word == "entries") if topic.word
}
"""The words for the topics that are asked for most; alerts come first."""
