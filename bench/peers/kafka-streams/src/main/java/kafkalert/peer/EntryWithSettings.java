package kafkalert.peer;

import nl.rabobank.beb.distribution.CustomerAlertSettings;
import nl.rabobank.beb.payments.AccountEntry;

/** An entry for one customer; {@code settings} is null where the customer has none. */
record EntryWithSettings(AccountEntry entry, CustomerAlertSettings settings) {}
