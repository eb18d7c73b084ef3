#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| precis_fuzz::packed(bytes));
