package kafkalert.peer;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** Runs the topology until SIGTERM. Standard output has one JSON object a line: running, stopped or failed. */
public final class Main {
    private static final Duration ORDERLY = Duration.ofSeconds(30);
    private static final long ASK_EVERY_MS = 10;

    private Main() {}

    /** Exits 0 after an orderly stop, 1 when a stream thread failed, 2 on wrong usage. */
    public static void main(String[] args) throws InterruptedException, ExecutionException {
        // Generated code instead of reflection; read when the first generated class is loaded.
        System.setProperty("org.apache.avro.specific.use_custom_coders", "true");
        Options options;
        try {
            options = Options.parse(args);
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage() + "\n" + Options.USAGE);
            System.exit(2);
            return;
        }
        run(options);
    }

    private static void run(Options options) throws InterruptedException, ExecutionException {
        Properties properties = properties(options);
        TableEnds ends;
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, options.bootstrap()))) {
            ends = TableEnds.ask(admin, options);
        }
        CountDownLatch over = new CountDownLatch(1);
        KafkaStreams streams = new KafkaStreams(options.form().topology(options, properties), properties);
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((state, before) -> {
            if (state == KafkaStreams.State.ERROR) {
                over.countDown();
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            boolean failed = streams.state() == KafkaStreams.State.ERROR;
            // Left at once, so that a restart need not wait for the session of the one that went.
            streams.close(CloseOptions.timeout(ORDERLY)
                    .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
            event(failed ? "failed" : "stopped");
        }));
        streams.start();
        while (streams.state() != KafkaStreams.State.RUNNING || !ends.reached(streams, options)) {
            if (over.await(ASK_EVERY_MS, TimeUnit.MILLISECONDS)) {
                System.exit(1);
            }
        }
        event("running");
        over.await();
        System.exit(1);
    }

    private static Properties properties(Options options) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.bootstrap());
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, options.applicationId());
        properties.put(StreamsConfig.STATE_DIR_CONFIG, options.stateDir());
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.threads());
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, options.commitIntervalMs());
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        // The tables' own topics serve as changelogs; without this every row would be written once more.
        properties.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        properties.put(
                StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueExceptionHandler.class);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 5);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.ACKS_CONFIG), "all");
        return properties;
    }

    private static void event(String name) {
        System.out.println("{\"event\":\"" + name + "\"}");
        System.out.flush();
    }
}
