package kafkalert.peer;

import java.util.Properties;
import nl.rabobank.beb.distribution.CustomerAlertSettings;
import nl.rabobank.beb.distribution.CustomerId;
import nl.rabobank.beb.distribution.CustomerIds;
import nl.rabobank.beb.distribution.OutboundMessage;
import nl.rabobank.beb.payments.AccountEntry;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * The published design of the pipeline: entries join authorisations, go once more through a topic by customer, join
 * settings, and become messages.
 *
 * <p>Keys stay bytes: both sides of a join are written in one framing, so equal keys are equal bytes, and nothing is
 * decoded to be looked up. An entry is decoded once, after the hop.
 */
final class AlertsTopology {
    static final String AUTHORISATIONS = "accounttocustomerids";
    static final String SETTINGS = "customeralertsettings";

    private static final String ENTRIES = "accountentry";
    private static final String ENTRIES_BY_CUSTOMER = "customeraccountentry";

    private static final Serde<Bytes> KEYS = Serdes.Bytes();

    private AlertsTopology() {}

    /** An entry, still encoded, with the customers who may see its account; null where nobody may. */
    private record Authorised(byte[] entry, CustomerIds customers) {}

    static Topology build(Options options, Properties properties) {
        StreamsBuilder builder = new StreamsBuilder(new TopologyConfig(new StreamsConfig(properties)));
        Serde<CustomerIds> customerIds = new AvroSerde<>(CustomerIds.class);
        Serde<CustomerAlertSettings> alertSettings = new AvroSerde<>(CustomerAlertSettings.class);
        AvroSerde<CustomerId> customerKey = new AvroSerde<>(CustomerId.class);
        Serde<AccountEntry> entry = new AvroSerde<>(AccountEntry.class);

        KTable<Bytes, CustomerIds> authorisations = builder.table(
                options.topic(AUTHORISATIONS), Consumed.with(KEYS, customerIds), Materialized.as(AUTHORISATIONS));
        KTable<Bytes, CustomerAlertSettings> settings = builder.table(
                options.topic(SETTINGS), Consumed.with(KEYS, alertSettings), Materialized.as(SETTINGS));

        builder.stream(options.topic(ENTRIES), Consumed.with(KEYS, Serdes.ByteArray()))
                .processValues(EntryIdentity::new)
                .leftJoin(authorisations, Authorised::new)
                .filter((account, authorised) -> authorised.customers() != null)
                .flatMap((account, authorised) -> authorised.customers().getCustomerIds().stream()
                        .map(customer -> KeyValue.pair(Bytes.wrap(customerKey.encode(customer)), authorised.entry()))
                        .toList())
                .to(options.topic(ENTRIES_BY_CUSTOMER), Produced.with(KEYS, Serdes.ByteArray()));

        builder.stream(options.topic(ENTRIES_BY_CUSTOMER), Consumed.with(KEYS, entry))
                .leftJoin(settings, AlertProcessor.Input::new)
                .process(() -> new AlertProcessor(options.idKey()))
                .to((key, alert, context) -> options.topic(alert.channel().topic), Produced.with(KEYS, alerts()));

        return builder.build(properties);
    }

    /** Writes an alert's message; nothing reads alerts back. */
    private static Serde<Alert> alerts() {
        AvroSerde<OutboundMessage> messages = new AvroSerde<>(OutboundMessage.class);
        Serializer<Alert> writer = (topic, alert) -> messages.encode(alert.message());
        return Serdes.serdeFrom(writer, (topic, bytes) -> {
            throw new UnsupportedOperationException("alerts are only written");
        });
    }
}
