//! Whatever bytes come, reading them as `events` ends without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelwatch_fuzzing::Target;

fuzz_target!(|bytes: &[u8]| {
    Target::Events.read(bytes);
});
