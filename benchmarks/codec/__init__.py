"""The codec alone and the whole job with each engine, beside fastavro, cavro and Java's Avro: `make bench-codec`."""
