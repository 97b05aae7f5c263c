"""The published language: Avro schemas, records, codec, vocabularies and topics."""
