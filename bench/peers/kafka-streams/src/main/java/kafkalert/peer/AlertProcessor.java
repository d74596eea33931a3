package kafkalert.peer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import nl.rabobank.beb.distribution.CustomerAlertSettings;
import nl.rabobank.beb.payments.AccountEntry;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** Turns an entry with its customer's settings into alerts, each under its address and with its ids as headers. */
final class AlertProcessor extends ContextualProcessor<Bytes, AlertProcessor.Input, Bytes, Alert> {
    /** An entry for one customer; {@code settings} is null where the customer has none. */
    record Input(AccountEntry entry, CustomerAlertSettings settings) {}

    private static final String BALANCE = "ka-balance";
    private static final String TRACE = "traceparent";
    private static final byte[] UNKNOWN = "unknown".getBytes(StandardCharsets.UTF_8);

    private final AlertGenerator generator;

    AlertProcessor(byte[] idKey) {
        generator = new AlertGenerator(idKey);
    }

    @Override
    public void process(Record<Bytes, Input> record) {
        Input input = record.value();
        if (input.settings() == null || !Movement.directed(input.entry())) {
            return;
        }
        Headers in = record.headers();
        byte[] entryId = in.lastHeader(EntryIdentity.ENTRY_ID).value();
        Header balance = in.lastHeader(BALANCE);
        boolean known = balance == null || !Arrays.equals(balance.value(), UNKNOWN);
        Header trace = in.lastHeader(TRACE);
        generator.generate(
                new String(entryId, StandardCharsets.UTF_8),
                input.entry(),
                known,
                input.settings(),
                context().currentSystemTimeMs(),
                alert -> {
                    Headers out = new RecordHeaders();
                    out.add(EntryIdentity.RECORD_ID, alert.id().getBytes(StandardCharsets.UTF_8));
                    out.add(EntryIdentity.ENTRY_ID, entryId);
                    if (trace != null) {
                        out.add(trace);
                    }
                    if (balance != null) {
                        out.add(balance);
                    }
                    context().forward(new Record<>(Bytes.wrap(alert.key()), alert, record.timestamp(), out));
                });
    }
}
