//! Whatever bytes come, reading them as `webhook` ends without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelwatch_fuzzing::Target;

fuzz_target!(|bytes: &[u8]| {
    Target::Webhook.read(bytes);
});
