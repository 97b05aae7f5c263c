//! `make codec-asan`: pytest, with these arguments, and the codec that `AddressSanitizer` watches.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    std::process::exit(tocsin_codec_fuzz::tested(arguments));
}
