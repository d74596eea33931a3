package kafkalert.peer;

import java.nio.charset.StandardCharsets;
import java.util.function.Function;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/**
 * Notes the entry's id in the header that goes with it through the hop; makes one for an entry without.
 *
 * <p>The id that is made is a keyed hash of the record's bytes. A form that has them no more encodes anew, which gives the
 * same bytes: those of an AccountId and an AccountEntry follow from what they say.
 */
final class EntryIdentity<K, V> extends ContextualFixedKeyProcessor<K, V, V> {
    static final String RECORD_ID = "ka-id";
    static final String ENTRY_ID = "ka-entry";

    private final byte[] idKey;
    private final Function<K, byte[]> keyBytes;
    private final Function<V, byte[]> valueBytes;

    EntryIdentity(byte[] idKey, Function<K, byte[]> keyBytes, Function<V, byte[]> valueBytes) {
        this.idKey = idKey;
        this.keyBytes = keyBytes;
        this.valueBytes = valueBytes;
    }

    @Override
    public void process(FixedKeyRecord<K, V> entry) {
        Headers headers = entry.headers();
        Header own = headers.lastHeader(RECORD_ID);
        byte[] id = own == null ? null : own.value();
        if (id == null || id.length == 0) {
            byte[] key = entry.key() == null ? new byte[0] : keyBytes.apply(entry.key());
            byte[] value = entry.value() == null ? new byte[0] : valueBytes.apply(entry.value());
            id = Ids.entry(idKey, key, value, entry.timestamp()).getBytes(StandardCharsets.UTF_8);
        }
        headers.remove(RECORD_ID);
        headers.remove(ENTRY_ID);
        headers.add(ENTRY_ID, id);
        context().forward(entry);
    }
}
