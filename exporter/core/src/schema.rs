//! What a feature is, and what one value of it turned out to be.
//!
//! Two closed sets that every other part counts by. Nothing here looks at data.

use serde::{Deserialize, Serialize};

/// How a feature is compared with its reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureType {
    /// An amount: compared in quantile bins of the reference.
    Numeric,
    /// A name: compared category by category.
    Categorical,
    /// A text that differs in every row: it has no distribution and is not monitored.
    Identifier,
}

/// What one feature value is, as counted by `data_values_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A value of the feature's type that the reference knows or whose range it covers.
    Valid,
    /// An explicit null.
    Null,
    /// Not a number.
    Nan,
    /// Plus or minus infinity.
    Infinite,
    /// An empty text.
    Empty,
    /// A feature the event does not carry.
    Absent,
    /// A category the reference does not have.
    Unseen,
    /// A finite number below the least or above the greatest of the reference.
    OutOfRange,
    /// A value of another type, a list and an object included.
    BadType,
}

impl Kind {
    /// How many kinds there are: the length of an array counted by [`Kind::index`].
    pub const COUNT: usize = 9;

    /// Every kind, in the order of [`Kind::index`].
    pub const ALL: [Kind; Kind::COUNT] = [
        Kind::Valid,
        Kind::Null,
        Kind::Nan,
        Kind::Infinite,
        Kind::Empty,
        Kind::Absent,
        Kind::Unseen,
        Kind::OutOfRange,
        Kind::BadType,
    ];

    /// The position of this kind in an array of [`Kind::COUNT`] counts.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The text of the label `kind`.
    pub const fn label(self) -> &'static str {
        match self {
            Kind::Valid => "valid",
            Kind::Null => "null",
            Kind::Nan => "nan",
            Kind::Infinite => "infinite",
            Kind::Empty => "empty",
            Kind::Absent => "absent",
            Kind::Unseen => "unseen",
            Kind::OutOfRange => "out_of_range",
            Kind::BadType => "bad_type",
        }
    }

    /// Whether the row carries no value at all: null, NaN, empty or absent.
    pub const fn is_missing(self) -> bool {
        matches!(self, Kind::Null | Kind::Nan | Kind::Empty | Kind::Absent)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_kind_stands_at_its_own_index() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index, "{kind:?}");
        }
    }

    #[test]
    fn the_label_of_a_kind_is_its_serialised_name() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.label()));
        }
    }
}
