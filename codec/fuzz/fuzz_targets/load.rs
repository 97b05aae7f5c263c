//! `make codec-fuzz TARGET=load`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tocsin_codec_fuzz::tried("load", data));
