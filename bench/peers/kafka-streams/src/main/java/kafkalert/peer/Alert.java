package kafkalert.peer;

import nl.rabobank.beb.distribution.OutboundMessage;

/** One message on its way to one address. The key is encoded: EmailAddress, PhoneNumber or CustomerId. */
record Alert(String id, Channel channel, byte[] key, OutboundMessage message) {}
