//! Wrong flags, files, events and webhooks: each answered with what is wrong and what was expected.

mod asking_cases;
mod calling_cases;
mod command_line;
mod event_cases;
mod events;
mod exporter_cases;
mod exporter_requests;
mod receiver_cases;
mod receiver_requests;
mod requests;
mod slack_cases;
mod storage_and_port;
mod template_cases;
mod values;
mod web_cases;
mod webhook_cases;
mod webhooks;
