import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/**
 * A Kafka Streams application that makes a record of each value, writes it again, and sends it on with its key.
 *
 * <p>Its words: properties, schema, the schema's id, the topic to read and the topic to write. Settings: streams.py.
 */
public final class Streams {
    private static final int FRAME_BYTES = 5;

    private final GenericDatumReader<GenericRecord> reader;
    private final GenericDatumWriter<GenericRecord> writer;
    private final byte[] frame;
    private final ByteArrayOutputStream sink = new ByteArrayOutputStream(4096);
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;

    /** Everything is used again for the next record, as one thread may. */
    private Streams(Schema schema, int id) {
        reader = new GenericDatumReader<>(schema);
        writer = new GenericDatumWriter<>(schema);
        frame = ByteBuffer.allocate(FRAME_BYTES).put((byte) 0).putInt(id).array();
    }

    public static void main(String[] words) throws IOException {
        Properties settings = new Properties();
        try (InputStream file = new FileInputStream(words[0])) {
            settings.load(file);
        }
        Streams streams = new Streams(new Schema.Parser().parse(new File(words[1])), Integer.parseInt(words[2]));
        Serde<GenericRecord> records =
            Serdes.serdeFrom((topic, value) -> streams.write(value), (topic, data) -> streams.read(data));
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(words[3], Consumed.with(Serdes.ByteArray(), records))
            .to(words[4], Produced.with(Serdes.ByteArray(), records));
        new KafkaStreams(builder.build(), settings).start();
    }

    private GenericRecord read(byte[] data) {
        if (ByteBuffer.wrap(data).getInt(1) != ByteBuffer.wrap(frame).getInt(1)) {
            throw new SerializationException("A value has the schema that was told, found another.");
        }
        try {
            decoder = DecoderFactory.get().binaryDecoder(data, FRAME_BYTES, data.length - FRAME_BYTES, decoder);
            return reader.read(null, decoder);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private byte[] write(GenericRecord value) {
        sink.reset();
        sink.writeBytes(frame);
        try {
            encoder = EncoderFactory.get().binaryEncoder(sink, encoder);
            writer.write(value, encoder);
            encoder.flush();
            return sink.toByteArray();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
