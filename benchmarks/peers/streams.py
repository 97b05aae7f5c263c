"""Kafka Streams: one thread that decodes, encodes and sends on; for pass-through with the codec alone (ADR 55).

Settings: its defaults, which its documents recommend where a topic has no state (kafka.apache.org, Streams,
"Configuring a Streams Application"): among them at least once, one thread, a commit every 30 seconds. Java's defaults
too. Avro by Java's generic records, behind the frame that our values have; the schema is told beforehand.
"""

import json
from pathlib import Path
from typing import Final

from benchmarks.peers.job import INPUT
from benchmarks.world import OUTPUT
from schemas.definitions import expanded
from schemas.framing import schema_id_of
from schemas.records.report import ReportSubmitted
from tests.engines import jvm
from tocsin.runtime.settings import KafkaSettings

_SOURCE: Final = Path(__file__).with_name("Streams.java")
LOCK: Final = Path(__file__).with_name("streams.lock")
"""Kafka Streams, of the same release as the broker, and Java's Avro."""


class Program:
    """The application, compiled into a folder, for values like this one."""

    def __init__(self, folder: Path, value: bytes) -> None:
        self._java = jvm.command(_SOURCE, LOCK, folder)
        self._folder = folder
        self._schema_id = schema_id_of(value)
        self._schema = folder / "schema.json"
        self._schema.write_text(json.dumps(expanded(ReportSubmitted.__name__)))

    def words(self, kafka: KafkaSettings, group: str) -> list[str]:
        """What starts it in a group of its own."""
        settings = self._folder / "streams.properties"
        properties = {"application.id": group, "bootstrap.servers": kafka.bootstrap} | self._tls(kafka)
        properties["state.dir"] = str(self._folder / "state")
        settings.write_text("\n".join(f"{name}={value}" for name, value in properties.items()))
        return [*self._java, str(settings), str(self._schema), str(self._schema_id), INPUT, OUTPUT]

    def _tls(self, kafka: KafkaSettings) -> dict[str, str]:
        """Java wants key and certificate in one file."""
        if not (kafka.ca and kafka.certificate and kafka.key):
            return {}
        shown = self._folder / "shown.pem"
        shown.touch(mode=0o600)
        shown.write_bytes(kafka.key.read_bytes() + kafka.certificate.read_bytes())
        return {
            "security.protocol": "SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(shown),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(kafka.ca),
        }
