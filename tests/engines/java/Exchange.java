import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/**
 * Java's Avro beside ours: a line of JSON in, a line of JSON out.
 *
 * <p>{"schema": ...} is the schema from there on. {"bytes": hex, "values": ...} is one record: answered with the values
 * that Java reads in those bytes, and with the bytes that it writes from those values, in one block and in many.
 * A double is shown by its bits and bytes in hex, so that nothing is lost in JSON.
 */
public final class Exchange {
    private static final HexFormat HEX = HexFormat.of();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int SMALLEST_BLOCK_BYTES = 64;

    public static void main(String[] words) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Schema schema = null;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode asked = JSON.readTree(line);
            if (asked.has("schema")) {
                schema = new Schema.Parser().parse(asked.get("schema").toString());
            } else {
                System.out.println(JSON.writeValueAsString(answer(schema, asked)));
            }
        }
    }

    private static Map<String, Object> answer(Schema schema, JsonNode asked) throws IOException {
        Object read = read(schema, HEX.parseHex(asked.get("bytes").textValue()));
        Object made = made(schema, asked.get("values"));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("values", shown(schema, read));
        answer.put("bytes", HEX.formatHex(written(schema, made, new EncoderFactory(), false)));
        EncoderFactory blocks = new EncoderFactory().configureBlockSize(SMALLEST_BLOCK_BYTES);
        answer.put("blocked", HEX.formatHex(written(schema, made, blocks, true)));
        return answer;
    }

    private static Object read(Schema schema, byte[] data) throws IOException {
        var decoder = DecoderFactory.get().binaryDecoder(data, null);
        Object value = new Ordered(schema).read(null, decoder);
        if (!decoder.isEnd()) {
            throw new IOException("A record ends with its last field, found more bytes.");
        }
        return value;
    }

    private static byte[] written(Schema schema, Object value, EncoderFactory how, boolean blocks) throws IOException {
        ByteArrayOutputStream sink = new ByteArrayOutputStream();
        BinaryEncoder encoder = blocks ? how.blockingBinaryEncoder(sink, null) : how.binaryEncoder(sink, null);
        new GenericDatumWriter<Object>(schema).write(value, encoder);
        encoder.flush();
        return sink.toByteArray();
    }

    private static Object shown(Schema schema, Object value) {
        switch (schema.getType()) {
            case UNION:
                return value == null ? null : shown(schema.getTypes().get(1), value);
            case RECORD:
                Map<String, Object> fields = new LinkedHashMap<>();
                GenericData.Record of = (GenericData.Record) value;
                schema.getFields().forEach(part -> fields.put(part.name(), shown(part.schema(), of.get(part.pos()))));
                return fields;
            case ARRAY:
                List<Object> items = new ArrayList<>();
                ((List<?>) value).forEach(item -> items.add(shown(schema.getElementType(), item)));
                return items;
            case MAP:
                Map<String, Object> entries = new LinkedHashMap<>();
                ((Map<?, ?>) value).forEach((key, it) -> entries.put(key.toString(), shown(schema.getValueType(), it)));
                return entries;
            case BYTES:
                return HEX.formatHex(((ByteBuffer) value).array());
            case DOUBLE:
                return Double.doubleToRawLongBits((Double) value);
            case STRING:
            case ENUM:
                return value.toString();
            default:
                return value;
        }
    }

    private static Object made(Schema schema, JsonNode shown) {
        switch (schema.getType()) {
            case UNION:
                return shown.isNull() ? null : made(schema.getTypes().get(1), shown);
            case RECORD:
                GenericData.Record record = new GenericData.Record(schema);
                schema.getFields().forEach(part -> record.put(part.pos(), made(part.schema(), shown.get(part.name()))));
                return record;
            case ARRAY:
                List<Object> items = new ArrayList<>();
                shown.forEach(item -> items.add(made(schema.getElementType(), item)));
                return items;
            case MAP:
                Map<String, Object> entries = new LinkedHashMap<>();
                shown.properties().forEach(one -> entries.put(one.getKey(), made(schema.getValueType(), one.getValue())));
                return entries;
            case BYTES:
                return ByteBuffer.wrap(HEX.parseHex(shown.textValue()));
            case ENUM:
                return new GenericData.EnumSymbol(schema, shown.textValue());
            case DOUBLE:
                return Double.longBitsToDouble(shown.longValue());
            case LONG:
                return shown.longValue();
            case BOOLEAN:
                return shown.booleanValue();
            default:
                return shown.textValue();
        }
    }

    /** Keeps the order of a map's entries, as Python does. */
    private static final class Ordered extends GenericDatumReader<Object> {
        Ordered(Schema schema) {
            super(schema);
        }

        @Override
        protected Object newMap(Object old, int size) {
            return new LinkedHashMap<>();
        }
    }
}
