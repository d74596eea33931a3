package kafkalert.peer;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/**
 * A generated record to bytes and back, in Avro's single-object encoding.
 *
 * <p>Safe to share between threads, as encoder and decoder are.
 */
final class AvroSerde<T extends SpecificRecordBase> implements Serde<T> {
    private final BinaryMessageEncoder<T> encoder;
    private final BinaryMessageDecoder<T> decoder;

    AvroSerde(Class<T> type) {
        SpecificData data = SpecificData.getForClass(type);
        // Avro need not copy what it wrote to its thread's buffer: encode does.
        encoder = new BinaryMessageEncoder<>(data, data.getSchema(type), false);
        decoder = new BinaryMessageDecoder<>(data, data.getSchema(type));
    }

    byte[] encode(T message) {
        try {
            ByteBuffer bytes = encoder.encode(message);
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            return copy;
        } catch (IOException | AvroRuntimeException e) {
            throw new SerializationException("a record cannot be encoded", e);
        }
    }

    T decode(byte[] bytes) {
        try {
            return decoder.decode(bytes, null);
        } catch (IOException | RuntimeException e) { // Avro's readers throw all kinds on bytes that are no record
            throw new SerializationException("bytes are not the expected record", e);
        }
    }

    @Override
    public Serializer<T> serializer() {
        return (topic, message) -> message == null ? null : encode(message);
    }

    @Override
    public Deserializer<T> deserializer() {
        return (topic, bytes) -> bytes == null ? null : decode(bytes);
    }
}
