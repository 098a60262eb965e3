//! Which destinations an alert goes to: the first route that matches, and on while it says `continue`.

use crate::alert::Labels;

mod matcher;

pub use matcher::{Matcher, MatcherError, Matchers};

/// One route: what it takes, and where that goes.
#[derive(Debug, Clone)]
pub struct Route {
    /// All must match; an empty list takes everything.
    pub matchers: Matchers,
    /// The destinations, by name.
    pub channels: Vec<String>,
    /// Whether later routes are asked too.
    pub continues: bool,
}

/// The destinations of an alert with these labels, each once, in the order of the routes; empty if no route takes it.
pub fn destinations<'a>(routes: &'a [Route], labels: &Labels) -> Vec<&'a str> {
    let mut found = Vec::new();
    for route in routes.iter().filter(|route| route.matchers.matches(labels)) {
        for channel in &route.channels {
            if !found.contains(&channel.as_str()) {
                found.push(channel);
            }
        }
        if !route.continues {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests;
