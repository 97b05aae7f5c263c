package io.strimzi.crdgenerator.annotations;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** Strimzi's mark of a property that some versions must have. Its own class is published nowhere; this one has its name. */
@Retention(RetentionPolicy.RUNTIME)
public @interface RequiredInVersions {
    String value();
}
