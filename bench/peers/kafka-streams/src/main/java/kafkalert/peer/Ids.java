package kafkalert.peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.bouncycastle.crypto.digests.Blake2bDigest;

/** The ids of entries and alerts: BLAKE2b of 128 bits over parts, each with its length before it. */
final class Ids {
    private static final int BYTES = 16;

    private final Blake2bDigest digest;

    private Ids(Blake2bDigest digest) {
        this.digest = digest;
    }

    /** The id of an entry that came without one; without `idKey` it tells nothing about the account. */
    static String entry(byte[] idKey, byte[] key, byte[] value, long timestampMs) {
        Ids id = new Ids(new Blake2bDigest(idKey, BYTES, null, null)).part(key).part(value);
        byte[] moment = ByteBuffer.allocate(Long.BYTES).putLong(timestampMs).array();
        id.digest.update(moment, 0, moment.length);
        return id.hex();
    }

    /** The id of an alert: the same for the same entry, and telling nothing about an address without the key. */
    static String alert(
            byte[] key, String entry, String customer, String type, String threshold, Channel channel, String address) {
        return new Ids(new Blake2bDigest(key, BYTES, null, null))
                .part(entry)
                .part(customer)
                .part(type)
                .part(threshold)
                .part(channel.name())
                .part(address)
                .hex();
    }

    private Ids part(String text) {
        return part(text.getBytes(StandardCharsets.UTF_8));
    }

    private Ids part(byte[] bytes) {
        int length = bytes.length;
        digest.update((byte) (length >>> 24));
        digest.update((byte) (length >>> 16));
        digest.update((byte) (length >>> 8));
        digest.update((byte) length);
        digest.update(bytes, 0, length);
        return this;
    }

    private String hex() {
        byte[] sum = new byte[BYTES];
        digest.doFinal(sum, 0);
        return HexFormat.of().formatHex(sum);
    }
}
