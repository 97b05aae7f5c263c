//! `make codec-fuzz TARGET=both_ways`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tocsin_codec_fuzz::tried("both_ways", data));
