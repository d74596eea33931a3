package kafkalert.peer;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** Notes the entry's id in the header that goes with it through the hop; makes one for an entry without. */
final class EntryIdentity extends ContextualFixedKeyProcessor<Bytes, byte[], byte[]> {
    static final String RECORD_ID = "ka-id";
    static final String ENTRY_ID = "ka-entry";

    @Override
    public void process(FixedKeyRecord<Bytes, byte[]> entry) {
        Headers headers = entry.headers();
        Header own = headers.lastHeader(RECORD_ID);
        byte[] id = own == null ? null : own.value();
        if (id == null || id.length == 0) {
            byte[] key = entry.key() == null ? new byte[0] : entry.key().get();
            byte[] value = entry.value() == null ? new byte[0] : entry.value();
            id = Ids.entry(key, value, entry.timestamp()).getBytes(StandardCharsets.UTF_8);
        }
        headers.remove(RECORD_ID);
        headers.remove(ENTRY_ID);
        headers.add(ENTRY_ID, id);
        context().forward(entry);
    }
}
