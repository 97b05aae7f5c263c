import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.MapperConfig;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.AnnotatedMember;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.strimzi.crdgenerator.annotations.PresentInVersions;
import io.strimzi.crdgenerator.annotations.RequiredInVersions;
import java.beans.Introspector;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Strimzi's own classes read our resources: a line of JSON in, a line out, which is empty where there is nothing to say.
 *
 * <p>Those classes keep a property that they do not know, and make nothing of a word that they do not know; here both are
 * refused, and so is what v1 has no more or must have, as the marks in Strimzi's classes say it.
 */
public final class Judge {
    private static final String GROUP = "kafka.strimzi.io/";
    private static final String VERSION = "v1";
    private static final String MODEL = "io.strimzi.api.kafka.model.";
    private static final Map<String, String> KINDS = Map.of(
            "Kafka", "kafka.Kafka", "KafkaNodePool", "nodepool.KafkaNodePool", "KafkaTopic", "topic.KafkaTopic", "KafkaUser", "user.KafkaUser");
    private static final ObjectMapper STRICT = JsonMapper.builder()
            .annotationIntrospector(new OfVersion())
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_IGNORED_PROPERTIES)
            .build();

    public static void main(String[] words) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(said(STRICT.readTree(line)).replace('\n', ' '));
        }
    }

    private static String said(JsonNode resource) {
        if (!resource.path("apiVersion").asText().equals(GROUP + VERSION)) {
            return "apiVersion is " + resource.path("apiVersion");
        }
        try {
            Class<?> kind = Class.forName(MODEL + KINDS.get(resource.path("kind").asText()));
            return fault("", resource, STRICT.treeToValue(resource, kind));
        } catch (JsonProcessingException | ReflectiveOperationException | RuntimeException error) {
            return error.getClass().getSimpleName() + ": " + error.getMessage();
        }
    }

    /** The first word that became nothing, or property that this version must have and that is not there. */
    private static String fault(String path, JsonNode written, Object read) throws ReflectiveOperationException {
        if (read == null) {
            return written.isMissingNode() || written.isNull() ? "" : path + " has no such value: " + written;
        }
        if (read instanceof List<?> many) {
            String found = "";
            for (int at = 0; at < many.size() && found.isEmpty(); at++) {
                found = fault(path + "/" + at, written.path(at), many.get(at));
            }
            return found;
        }
        return read.getClass().getName().startsWith(MODEL) && !(read instanceof Enum<?>) ? faultIn(path, written, read) : "";
    }

    private static String faultIn(String path, JsonNode written, Object read) throws ReflectiveOperationException {
        for (Method getter : read.getClass().getMethods()) {
            if (!getter.getName().startsWith("get") || getter.getParameterCount() > 0 || getter.isBridge()) {
                continue;
            }
            String name = Introspector.decapitalize(getter.getName().substring(3));
            Object part = getter.invoke(read);
            String place = path + "/" + name;
            String found = part == null && !written.has(name) && required(getter) ? place + " is missing" : fault(place, written.path(name), part);
            if (!found.isEmpty()) {
                return found;
            }
        }
        return passedOver(path, read.getClass(), written.path("config"));
    }

    /** Of a configuration, the first key that the operator decides itself, and passes over without a word to whoever applies it. */
    private static String passedOver(String path, Class<?> kind, JsonNode config) throws ReflectiveOperationException {
        if (Arrays.stream(kind.getFields()).noneMatch(one -> one.getName().equals("FORBIDDEN_PREFIXES"))) {
            return "";
        }
        List<String> refused = List.of(((String) kind.getField("FORBIDDEN_PREFIXES").get(null)).split(", "));
        List<String> allowed = List.of(((String) kind.getField("FORBIDDEN_PREFIX_EXCEPTIONS").get(null)).split(", "));
        for (Iterator<String> keys = config.fieldNames(); keys.hasNext(); ) {
            String key = keys.next();
            if (refused.stream().anyMatch(key::startsWith) && !allowed.contains(key)) {
                return path + "/config/" + key + " is passed over";
            }
        }
        return "";
    }

    private static boolean required(Method getter) {
        RequiredInVersions marked = getter.getAnnotation(RequiredInVersions.class);
        JsonProperty property = getter.getAnnotation(JsonProperty.class);
        return marked != null && covers(marked.value()) || property != null && property.required();
    }

    /** Ranges as Strimzi writes them: v1beta2, v1beta2+, v1alpha1-v1beta2, v1+. No version follows v1. */
    private static boolean covers(String range) {
        return range.endsWith("+") || range.equals(VERSION) || range.endsWith("-" + VERSION);
    }

    private static final class OfVersion extends JacksonAnnotationIntrospector {
        private static final long serialVersionUID = 1L;

        @Override
        public Boolean hasAnySetter(Annotated member) {
            return false;
        }

        @Override
        public JsonIgnoreProperties.Value findPropertyIgnoralByName(MapperConfig<?> config, Annotated type) {
            return JsonIgnoreProperties.Value.empty();
        }

        @Override
        public boolean hasIgnoreMarker(AnnotatedMember member) {
            PresentInVersions marked = member.getAnnotation(PresentInVersions.class);
            return super.hasIgnoreMarker(member) || marked != null && !covers(marked.value());
        }
    }
}
