"""Names that the pipeline is made of, as docs/topics.md gives them; `pipeline` says what each topic is."""

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
