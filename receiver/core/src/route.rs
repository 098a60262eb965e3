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
    for channel in matching(routes, labels).into_iter().flat_map(|number| &routes[number].channels) {
        if !found.contains(&channel.as_str()) {
            found.push(channel);
        }
    }
    found
}

/// The numbers of the routes that take an alert with these labels, counted from 0 as in the configuration.
pub fn matching(routes: &[Route], labels: &Labels) -> Vec<usize> {
    let mut found = Vec::new();
    for (number, route) in routes.iter().enumerate().filter(|(_, route)| route.matchers.matches(labels)) {
        found.push(number);
        if !route.continues {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests;
