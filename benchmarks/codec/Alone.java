import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/** Java's Avro by itself, as alone.py measures the others: CPU-microseconds of the whole process a record, warmed up. */
public final class Alone {
    private static final int WARM_SECONDS = 3;
    private static final int ROUNDS = 5;
    private static final int TIMES = 100;

    private final GenericDatumReader<Object> reader;
    private final GenericDatumWriter<Object> writer;
    private final ByteArrayOutputStream sink = new ByteArrayOutputStream(4096);
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;
    private volatile Object seen;

    private Alone(Schema schema) {
        reader = new GenericDatumReader<>(schema);
        writer = new GenericDatumWriter<>(schema);
    }

    private interface Way<T> {
        Object of(T value) throws IOException;
    }

    public static void main(String[] words) throws IOException {
        ObjectMapper json = new ObjectMapper();
        JsonNode told = json.readTree(new File(words[0]));
        Alone alone = new Alone(new Schema.Parser().parse(told.get("schema").toString()));
        List<byte[]> written = new ArrayList<>();
        told.get("records").forEach(data -> written.add(HexFormat.of().parseHex(data.textValue())));
        List<Object> values = new ArrayList<>();
        for (byte[] data : written) {
            Object value = alone.read(data);
            if (!Arrays.equals(alone.write(value), data)) {
                throw new IOException("Java does not write what it read.");
            }
            values.add(value);
        }
        Map<String, Double> found = new LinkedHashMap<>();
        found.put("decode", alone.median(written, alone::read));
        found.put("encode", alone.median(values, alone::write));
        found.put("both", alone.median(written, data -> alone.write(alone.read(data))));
        System.out.println(json.writeValueAsString(found));
    }

    private Object read(byte[] data) throws IOException {
        decoder = DecoderFactory.get().binaryDecoder(data, decoder);
        return reader.read(null, decoder);
    }

    private byte[] write(Object value) throws IOException {
        sink.reset();
        encoder = EncoderFactory.get().binaryEncoder(sink, encoder);
        writer.write(value, encoder);
        encoder.flush();
        return sink.toByteArray();
    }

    /** Warmed up for some seconds, then the median of several rounds. */
    private <T> double median(List<T> inputs, Way<T> way) throws IOException {
        long until = System.nanoTime() + WARM_SECONDS * 1_000_000_000L;
        while (System.nanoTime() < until) {
            each(inputs, way);
        }
        double[] rounds = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            long before = cpuNanoseconds();
            for (int time = 0; time < TIMES; time++) {
                each(inputs, way);
            }
            rounds[round] = (cpuNanoseconds() - before) / 1000.0 / TIMES / inputs.size();
        }
        Arrays.sort(rounds);
        return Math.round(rounds[ROUNDS / 2] * 100) / 100.0;
    }

    private <T> void each(List<T> inputs, Way<T> way) throws IOException {
        for (T input : inputs) {
            seen = way.of(input);
        }
    }

    private static long cpuNanoseconds() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }
}
