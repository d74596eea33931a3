package kafkalert.peer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.query.KeyQuery;
import org.apache.kafka.streams.query.Position;
import org.apache.kafka.streams.query.PositionBound;
import org.apache.kafka.streams.query.QueryResult;
import org.apache.kafka.streams.query.StateQueryRequest;

/**
 * Where the tables' topics ended before the start, to tell when the stores have come that far.
 *
 * <p>A store reads its topic up to the group's committed offset before the state is RUNNING, and the rest, on a first
 * start everything, as a stream among the entries. So RUNNING alone does not say that the tables are there.
 */
final class TableEnds {
    private final Map<String, Map<Integer, Long>> awaited = new HashMap<>();

    private TableEnds() {}

    /** Asks the brokers for the ends, less what this group has already read and committed. */
    static TableEnds ask(Admin admin, Options options) throws ExecutionException, InterruptedException {
        TableEnds ends = new TableEnds();
        Map<TopicPartition, OffsetAndMetadata> committed = committed(admin, options.applicationId());
        for (String store : List.of(Topics.AUTHORISATIONS, Topics.SETTINGS)) {
            String topic = options.topic(store);
            Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
            admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().forEach(
                    partition -> latest.put(new TopicPartition(topic, partition.partition()), OffsetSpec.latest()));
            Map<Integer, Long> last = new HashMap<>();
            admin.listOffsets(latest).all().get().forEach((partition, end) -> {
                OffsetAndMetadata read = committed.get(partition);
                if (end.offset() > (read == null ? 0 : read.offset())) {
                    last.put(partition.partition(), end.offset() - 1);
                }
            });
            ends.awaited.put(store, last);
        }
        return ends;
    }

    private static Map<TopicPartition, OffsetAndMetadata> committed(Admin admin, String group)
            throws ExecutionException, InterruptedException {
        try {
            return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof GroupIdNotFoundException) {
                return Map.of();
            }
            throw e;
        }
    }

    /** Whether every store holds all that its topic had at the start. */
    boolean reached(KafkaStreams streams, Options options) {
        return awaited.entrySet().stream()
                .allMatch(store -> {
                    String name = store.getKey();
                    Object probe = options.form().probes.get(name);
                    return reached(streams, name, probe, options.topic(name), store.getValue());
                });
    }

    private static boolean reached(
            KafkaStreams streams, String store, Object probe, String topic, Map<Integer, Long> last) {
        for (Map.Entry<Integer, Long> partition : last.entrySet()) {
            Position bound = Position.fromMap(Map.of(topic, Map.of(partition.getKey(), partition.getValue())));
            StateQueryRequest<?> request = StateQueryRequest.inStore(store)
                    .withQuery(KeyQuery.withKey(probe))
                    .withPartitions(Set.of(partition.getKey()))
                    .withPositionBound(PositionBound.at(bound));
            QueryResult<?> answer = streams.query(request).getPartitionResults().get(partition.getKey());
            if (answer == null || answer.isFailure()) {
                return false;
            }
        }
        return true;
    }
}
