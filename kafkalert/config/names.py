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

READING = ("alerting",)
"""Stages that read from Kafka, so that each has a consumer group."""

CHANNELS = ("email", "sms", "push")
"""What an alert reaches a customer by."""
