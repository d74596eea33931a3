package kafkalert.peer;

import nl.rabobank.beb.distribution.OutboundMessage;
import org.apache.avro.specific.SpecificRecord;

/** One message on its way to one address: an EmailAddress, a PhoneNumber or, for all of their devices, a CustomerId. */
record Alert(String id, Channel channel, SpecificRecord address, OutboundMessage message) {}
