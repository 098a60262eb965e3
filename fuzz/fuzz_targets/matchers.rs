//! Whatever bytes come, reading them as `matchers` ends without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelwatch_fuzzing::Target;

fuzz_target!(|bytes: &[u8]| {
    Target::Matchers.read(bytes);
});
