package kafkalert.peer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.BiConsumer;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Turns an entry with its customer's settings into alerts, each with its ids as headers. */
final class AlertRaiser {
    private static final String BALANCE = "ka-balance";
    private static final String TRACE = "traceparent";
    private static final byte[] UNKNOWN = "unknown".getBytes(StandardCharsets.UTF_8);

    private final AlertGenerator generator;

    AlertRaiser(byte[] idKey) {
        generator = new AlertGenerator(idKey);
    }

    /** Gives {@code out} each alert that the entry raises, with headers of its own. */
    void raise(EntryWithSettings input, Headers in, long nowMs, BiConsumer<Alert, Headers> out) {
        if (input.settings() == null || !Movement.directed(input.entry())) {
            return;
        }
        byte[] entryId = in.lastHeader(EntryIdentity.ENTRY_ID).value();
        Header balance = in.lastHeader(BALANCE);
        boolean known = balance == null || !Arrays.equals(balance.value(), UNKNOWN);
        Header trace = in.lastHeader(TRACE);
        generator.generate(
                new String(entryId, StandardCharsets.UTF_8),
                input.entry(),
                known,
                input.settings(),
                nowMs,
                alert -> {
                    Headers headers = new RecordHeaders();
                    headers.add(EntryIdentity.RECORD_ID, alert.id().getBytes(StandardCharsets.UTF_8));
                    headers.add(EntryIdentity.ENTRY_ID, entryId);
                    if (trace != null) {
                        headers.add(trace);
                    }
                    if (balance != null) {
                        headers.add(balance);
                    }
                    out.accept(alert, headers);
                });
    }
}
