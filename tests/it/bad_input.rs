//! Wrong flags, files, events and webhooks: each answered with what is wrong and what was expected.

mod command_line;
mod events;
mod exporter_cases;
mod receiver_cases;
mod storage_and_port;
mod values;
mod webhooks;
