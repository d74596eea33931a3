package kafkalert.peer;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import nl.rabobank.beb.distribution.CustomerId;
import nl.rabobank.beb.payments.AccountId;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyConfig;

/** The ways in which the design is written here; both give the same alerts. */
enum Form {
    /** As published, typed throughout. */
    REFERENCE(
            ReferenceTopology::build,
            Map.of(Topics.AUTHORISATIONS, new AccountId(""), Topics.SETTINGS, new CustomerId(""))),
    /** Keys joined as bytes, an entry decoded once. */
    TUNED(
            TunedTopology::build,
            Map.of(Topics.AUTHORISATIONS, Bytes.wrap(new byte[0]), Topics.SETTINGS, Bytes.wrap(new byte[0])));

    /** Per store a key, of the store's type, that may be asked for; no row needs to have it. */
    final Map<String, Object> probes;

    private final Steps steps;

    @FunctionalInterface
    private interface Steps {
        void add(StreamsBuilder builder, Options options);
    }

    Form(Steps steps, Map<String, Object> probes) {
        this.steps = steps;
        this.probes = probes;
    }

    /** The form of that name; throws IllegalArgumentException with a sentence for another. */
    static Form named(String name) {
        return Arrays.stream(values())
                .filter(form -> form.toString().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("--form is reference or tuned, not " + name));
    }

    Topology topology(Options options, Properties properties) {
        StreamsBuilder builder = new StreamsBuilder(new TopologyConfig(new StreamsConfig(properties)));
        steps.add(builder, options);
        return builder.build(properties);
    }

    /** The name as the command line has it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
