//! takes Alertmanager webhooks and tells the right people once.
