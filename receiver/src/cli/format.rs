//! How commands print what they found.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// How something is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people, a line for each.
    Table,
    /// For programs, one JSON object.
    Json,
    /// For spreadsheets, a line for each.
    Csv,
    /// For programs, one JSON object per line.
    Ndjson,
}

impl Format {
    /// Takes the formats of what is never long.
    pub(super) fn of_few() -> impl TypedValueParser<Value = Format> {
        let few = [Format::Table, Format::Json];
        let names = few.iter().filter_map(ValueEnum::to_possible_value);
        PossibleValuesParser::new(names).try_map(|name| <Format as ValueEnum>::from_str(&name, false))
    }
}
