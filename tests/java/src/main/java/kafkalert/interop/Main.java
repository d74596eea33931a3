package kafkalert.interop;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaParser;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;

/**
 * Records between single-object encoding and Avro's JSON encoding.
 *
 * <p>{@code read SCHEMAS BYTES JSON} and {@code write SCHEMAS JSON BYTES}. A file of bytes holds, per record, the
 * schema's full name and the record, each with its length before it (4 bytes, big endian). A file of JSON holds a line
 * per record: the name, a tab, the record.
 */
public final class Main {
    private final Map<String, Schema> schemas = new HashMap<>();

    private Main(Path folder) throws IOException {
        SchemaParser parser = new SchemaParser();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".avsc")).toList()) {
                parser.parse(file);
            }
        }
        for (Schema schema : parser.getParsedNamedSchemas()) {
            schemas.put(schema.getFullName(), schema);
        }
    }

    /** Exits 2 on wrong usage; any record that cannot be converted ends it with a stack trace. */
    public static void main(String[] args) throws IOException {
        if (args.length != 4 || !List.of("read", "write").contains(args[0])) {
            System.err.println("usage: java -jar interop.jar read|write SCHEMAS FROM TO");
            System.exit(2);
        }
        Main main = new Main(Path.of(args[1]));
        if (args[0].equals("read")) {
            main.read(Path.of(args[2]), Path.of(args[3]));
        } else {
            main.write(Path.of(args[2]), Path.of(args[3]));
        }
    }

    private void read(Path from, Path to) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(from)));
                PrintStream out = new PrintStream(Files.newOutputStream(to), false, StandardCharsets.UTF_8)) {
            while (true) {
                in.mark(1);
                if (in.read() < 0) {
                    return;
                }
                in.reset();
                String name = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
                Schema schema = schemas.get(name);
                Object datum = new BinaryMessageDecoder<Object>(GenericData.get(), schema)
                        .decode(in.readNBytes(in.readInt()), null);
                ByteArrayOutputStream json = new ByteArrayOutputStream();
                JsonEncoder encoder = EncoderFactory.get().jsonEncoder(schema, json, false);
                new GenericDatumWriter<Object>(schema).write(datum, encoder);
                encoder.flush();
                out.print(name + "\t" + json.toString(StandardCharsets.UTF_8) + "\n");
            }
        }
    }

    private void write(Path from, Path to) throws IOException {
        try (BufferedReader in = Files.newBufferedReader(from);
                DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(to)))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                int tab = line.indexOf('\t');
                Schema schema = schemas.get(line.substring(0, tab));
                Object datum = new GenericDatumReader<Object>(schema)
                        .read(null, DecoderFactory.get().jsonDecoder(schema, line.substring(tab + 1)));
                byte[] name = schema.getFullName().getBytes(StandardCharsets.UTF_8);
                ByteBuffer bytes = new BinaryMessageEncoder<Object>(GenericData.get(), schema).encode(datum);
                out.writeInt(name.length);
                out.write(name);
                out.writeInt(bytes.remaining());
                out.write(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
            }
        }
    }
}
