package kafkalert.peer;

import java.util.List;
import nl.rabobank.beb.distribution.CustomerAlertSettings;
import nl.rabobank.beb.distribution.CustomerId;
import nl.rabobank.beb.distribution.CustomerIds;
import nl.rabobank.beb.distribution.EmailAddress;
import nl.rabobank.beb.distribution.OutboundMessage;
import nl.rabobank.beb.distribution.PhoneNumber;
import nl.rabobank.beb.payments.AccountEntry;
import nl.rabobank.beb.payments.AccountId;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/**
 * The published design, step for step: every key and value is a generated record, at every edge.
 *
 * <p>Two steps differ in form, none in what they do. What was {@code through} is {@code to} and {@code stream}, as
 * Kafka Streams 4 has it. What was {@code flatMapValues} is {@code processValues}, which may set headers: the ids go
 * there.
 */
final class ReferenceTopology {
    private ReferenceTopology() {}

    static void build(StreamsBuilder builder, Options options) {
        AvroSerde<AccountId> accountId = new AvroSerde<>(AccountId.class);
        AvroSerde<CustomerId> customerId = new AvroSerde<>(CustomerId.class);
        AvroSerde<AccountEntry> accountEntry = new AvroSerde<>(AccountEntry.class);

        KTable<AccountId, CustomerIds> authorisations = builder.table(
                options.topic(Topics.AUTHORISATIONS),
                Consumed.with(accountId, new AvroSerde<>(CustomerIds.class)),
                Materialized.as(Topics.AUTHORISATIONS));
        KTable<CustomerId, CustomerAlertSettings> settings = builder.table(
                options.topic(Topics.SETTINGS),
                Consumed.with(customerId, new AvroSerde<>(CustomerAlertSettings.class)),
                Materialized.as(Topics.SETTINGS));

        builder.stream(options.topic(Topics.ENTRIES), Consumed.with(accountId, accountEntry))
                .processValues(() -> new EntryIdentity<>(options.idKey(), accountId::encode, accountEntry::encode))
                .leftJoin(authorisations, ReferenceTopology::byCustomer)
                .flatMap((account, entries) -> entries)
                .to(options.topic(Topics.ENTRIES_BY_CUSTOMER), Produced.with(customerId, accountEntry));

        KStream<CustomerId, Alert> alerts = builder.stream(
                        options.topic(Topics.ENTRIES_BY_CUSTOMER), Consumed.with(customerId, accountEntry))
                .leftJoin(settings, EntryWithSettings::new)
                .processValues(() -> new Raise(options.idKey()));
        send(alerts, EmailAddress.class, options.topic(Channel.EMAIL.topic));
        send(alerts, PhoneNumber.class, options.topic(Channel.SMS.topic));
        send(alerts, CustomerId.class, options.topic(Channel.PUSH.topic));
    }

    /** The entry for each customer who may see its account; {@code customers} is null where nobody may. */
    private static List<KeyValue<CustomerId, AccountEntry>> byCustomer(AccountEntry entry, CustomerIds customers) {
        if (customers == null) {
            return List.of();
        }
        return customers.getCustomerIds().stream()
                .map(customer -> KeyValue.pair(customer, entry))
                .toList();
    }

    /** Sends the messages for one kind of address to their topic, the address as the key. */
    private static <A extends SpecificRecordBase> void send(
            KStream<CustomerId, Alert> alerts, Class<A> kind, String topic) {
        alerts.filter((customer, alert) -> kind.isInstance(alert.address()))
                .map((customer, alert) -> KeyValue.pair(kind.cast(alert.address()), alert.message()))
                .to(topic, Produced.with(new AvroSerde<>(kind), new AvroSerde<>(OutboundMessage.class)));
    }

    /** From an entry with settings to its alerts, still under the customer's id. */
    private static final class Raise extends ContextualFixedKeyProcessor<CustomerId, EntryWithSettings, Alert> {
        private final AlertRaiser raiser;

        Raise(byte[] idKey) {
            raiser = new AlertRaiser(idKey);
        }

        @Override
        public void process(FixedKeyRecord<CustomerId, EntryWithSettings> entry) {
            raiser.raise(
                    entry.value(),
                    entry.headers(),
                    context().currentSystemTimeMs(),
                    (alert, headers) -> context().forward(entry.withValue(alert).withHeaders(headers)));
        }
    }
}
