//! Serving HTTP: what both programs need around their own routes.
//!
//! The way of a program: [`WebConfig::load`] → [`Server::bind`] → its own `Router`, each part behind
//! [`Auth::guard`], merged with [`admin::routes`] → [`Server::run`], which drains at shutdown.

pub mod admin;
pub mod auth;
pub mod body;
mod client;
mod config;
mod cross_site;
pub mod page;
mod problem;
mod server;
mod tls;

pub use auth::{Auth, Scope, TokenName};
pub use client::{Reach, Unreachable};
pub use config::{ListenAddress, WebConfig, is_loopback};
pub use problem::Problem;
pub use server::{HttpError, Server};
pub use tls::authorities;
