package kafkalert.peer;

import nl.rabobank.beb.distribution.CustomerAlertSettings;
import nl.rabobank.beb.distribution.CustomerId;
import nl.rabobank.beb.distribution.CustomerIds;
import nl.rabobank.beb.distribution.EmailAddress;
import nl.rabobank.beb.distribution.OutboundMessage;
import nl.rabobank.beb.distribution.PhoneNumber;
import nl.rabobank.beb.payments.AccountEntry;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/**
 * The published design, tuned by hand as far as the DSL allows.
 *
 * <p>Keys stay bytes: both sides of a join are written in one framing, so equal keys are equal bytes, and nothing is
 * decoded to be looked up. An entry is decoded once, after the hop.
 */
final class TunedTopology {
    private static final Serde<Bytes> KEYS = Serdes.Bytes();

    private TunedTopology() {}

    /** An entry, still encoded, with the customers who may see its account; null where nobody may. */
    private record Authorised(byte[] entry, CustomerIds customers) {}

    static void build(StreamsBuilder builder, Options options) {
        Serde<CustomerIds> customerIds = new AvroSerde<>(CustomerIds.class);
        Serde<CustomerAlertSettings> alertSettings = new AvroSerde<>(CustomerAlertSettings.class);
        AvroSerde<CustomerId> customerKey = new AvroSerde<>(CustomerId.class);
        Serde<AccountEntry> entry = new AvroSerde<>(AccountEntry.class);

        KTable<Bytes, CustomerIds> authorisations = builder.table(
                options.topic(Topics.AUTHORISATIONS),
                Consumed.with(KEYS, customerIds),
                Materialized.as(Topics.AUTHORISATIONS));
        KTable<Bytes, CustomerAlertSettings> settings = builder.table(
                options.topic(Topics.SETTINGS), Consumed.with(KEYS, alertSettings), Materialized.as(Topics.SETTINGS));

        builder.stream(options.topic(Topics.ENTRIES), Consumed.with(KEYS, Serdes.ByteArray()))
                .processValues(() -> new EntryIdentity<>(options.idKey(), Bytes::get, value -> value))
                .leftJoin(authorisations, Authorised::new)
                .filter((account, authorised) -> authorised.customers() != null)
                .flatMap((account, authorised) -> authorised.customers().getCustomerIds().stream()
                        .map(customer -> KeyValue.pair(Bytes.wrap(customerKey.encode(customer)), authorised.entry()))
                        .toList())
                .to(options.topic(Topics.ENTRIES_BY_CUSTOMER), Produced.with(KEYS, Serdes.ByteArray()));

        builder.stream(options.topic(Topics.ENTRIES_BY_CUSTOMER), Consumed.with(KEYS, entry))
                .leftJoin(settings, EntryWithSettings::new)
                .process(() -> new Raise(options.idKey()))
                .to((key, alert, context) -> options.topic(alert.channel().topic), Produced.with(KEYS, alerts()));
    }

    /** Writes an alert's message; nothing reads alerts back. */
    private static Serde<Alert> alerts() {
        AvroSerde<OutboundMessage> messages = new AvroSerde<>(OutboundMessage.class);
        Serializer<Alert> writer = (topic, alert) -> messages.encode(alert.message());
        return Serdes.serdeFrom(writer, (topic, bytes) -> {
            throw new UnsupportedOperationException("alerts are only written");
        });
    }

    /** From an entry with settings to its alerts, each under its address. */
    private static final class Raise extends ContextualProcessor<Bytes, EntryWithSettings, Bytes, Alert> {
        private final AvroSerde<EmailAddress> emailKeys = new AvroSerde<>(EmailAddress.class);
        private final AvroSerde<PhoneNumber> phoneKeys = new AvroSerde<>(PhoneNumber.class);
        private final AvroSerde<CustomerId> customerKeys = new AvroSerde<>(CustomerId.class);
        private final AlertRaiser raiser;

        Raise(byte[] idKey) {
            raiser = new AlertRaiser(idKey);
        }

        @Override
        public void process(Record<Bytes, EntryWithSettings> entry) {
            raiser.raise(
                    entry.value(),
                    entry.headers(),
                    context().currentSystemTimeMs(),
                    (alert, headers) ->
                            context().forward(new Record<>(key(alert), alert, entry.timestamp(), headers)));
        }

        private Bytes key(Alert alert) {
            return Bytes.wrap(
                    switch (alert.channel()) {
                        case EMAIL -> emailKeys.encode((EmailAddress) alert.address());
                        case SMS -> phoneKeys.encode((PhoneNumber) alert.address());
                        case PUSH -> customerKeys.encode((CustomerId) alert.address());
                    });
        }
    }
}
