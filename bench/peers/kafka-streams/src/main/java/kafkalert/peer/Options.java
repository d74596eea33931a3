package kafkalert.peer;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What the command line says.
 *
 * @param form how the topology is written
 * @param bootstrap host:port of the brokers
 * @param applicationId consumer group, and the folder's name under {@code stateDir}
 * @param prefix put before every topic's name
 * @param stateDir where RocksDB keeps the tables
 * @param threads stream threads
 * @param idKey key of the hash that makes an alert's id; kafkalert must use the same
 * @param commitIntervalMs how often offsets are committed; Kafka Streams' own default is 30 s
 */
record Options(
        Form form,
        String bootstrap,
        String applicationId,
        String prefix,
        String stateDir,
        int threads,
        byte[] idKey,
        long commitIntervalMs) {

    static final String USAGE = "usage: java -jar peer.jar --bootstrap HOST:PORT --application-id ID --state-dir DIR"
            + " [--form reference|tuned] [--prefix P] [--threads 1] [--id-key TEXT] [--commit-interval-ms 30000]";

    private static final Set<String> NAMES = Set.of(
            "form", "bootstrap", "application-id", "prefix", "state-dir", "threads", "id-key", "commit-interval-ms");

    /** Reads {@code --name value} pairs; throws IllegalArgumentException with a sentence about what is wrong. */
    static Options parse(String[] args) {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i < args.length; i += 2) {
            String name = args[i].startsWith("--") ? args[i].substring(2) : "";
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("unknown option " + args[i]);
            }
            if (i + 1 == args.length) {
                throw new IllegalArgumentException(args[i] + " needs a value");
            }
            given.put(name, args[i + 1]);
        }
        return new Options(
                Form.named(given.getOrDefault("form", "reference")),
                required(given, "bootstrap"),
                required(given, "application-id"),
                given.getOrDefault("prefix", ""),
                required(given, "state-dir"),
                Integer.parseInt(given.getOrDefault("threads", "1")),
                given.getOrDefault("id-key", "kafkalert-development-key").getBytes(StandardCharsets.UTF_8),
                Long.parseLong(given.getOrDefault("commit-interval-ms", "30000")));
    }

    private static String required(Map<String, String> given, String name) {
        String value = given.get(name);
        if (value == null) {
            throw new IllegalArgumentException("--" + name + " is missing");
        }
        return value;
    }

    /** The name here of one of the pipeline's topics. */
    String topic(String name) {
        return prefix + name;
    }
}
