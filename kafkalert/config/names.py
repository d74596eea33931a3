"""Names that the pipeline is made of, as docs/topics.md gives them; configuration may rename topics."""

ACCOUNTENTRY = "accountentry"
ACCOUNTTOCUSTOMERIDS = "accounttocustomerids"
CUSTOMERALERTSETTINGS = "customeralertsettings"
CUSTOMERACCOUNTENTRY = "customeraccountentry"
OUTBOUNDEMAILMESSAGE = "outboundemailmessage"
OUTBOUNDSMSMESSAGE = "outboundsmsmessage"
OUTBOUNDCUSTOMERPUSHMESSAGE = "outboundcustomerpushmessage"
OUTBOUNDPUSHMESSAGE = "outboundpushmessage"
DEADLETTER = "kafkalert.deadletter"
CONTROL = "kafkalert.control"
STATUS = "kafkalert.status"

RECEIPTS = tuple(f"{topic}.receipts" for topic in (OUTBOUNDEMAILMESSAGE, OUTBOUNDSMSMESSAGE, OUTBOUNDPUSHMESSAGE))
TOPICS = (
    ACCOUNTENTRY,
    ACCOUNTTOCUSTOMERIDS,
    CUSTOMERALERTSETTINGS,
    CUSTOMERACCOUNTENTRY,
    OUTBOUNDEMAILMESSAGE,
    OUTBOUNDSMSMESSAGE,
    OUTBOUNDCUSTOMERPUSHMESSAGE,
    OUTBOUNDPUSHMESSAGE,
    *RECEIPTS,
    DEADLETTER,
    CONTROL,
    STATUS,
)
"""Every topic of the pipeline, by its own name."""

STAGES = ("alerting", "bridge")
"""The stages that there are; a heartbeat of another name is some other program's."""
READS = {"alerting": (ACCOUNTENTRY, CUSTOMERACCOUNTENTRY)}
"""What each stage that has a consumer group reads, the second topic in two-hop mode alone."""

CHANNELS = ("email", "sms", "push")
"""What an alert reaches a customer by."""
