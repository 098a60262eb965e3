//! Pictures of single features: reference against current, a pair of bars for each of the reference's cells.

use modelwatch_common::http::page::escape;
use modelwatch_exporter_core::report::{Cell, CellKind, Distribution, FeatureReport};

use super::choice::{Choice, address};
use super::drift::{self, Named};
use super::parts::{in_percent, percent};

/// So many features have a picture on a page, those that matter most; any other has one of its own.
pub(super) const SHOWN: usize = 24;
/// Significant digits of an edge.
const DIGITS: i32 = 4;

/// The section, for the features that the address asks for or the first of them.
pub(super) fn section(choice: &Choice<'_>, features: &[Named<'_>], wanted: Option<&str>) -> String {
    let shown = |(at, (name, feature)): (usize, &Named<'_>)| {
        if wanted.is_some_and(|wanted| wanted != *name) {
            return None;
        }
        let distribution = choice.model.distribution(choice.names(), name)?;
        Some(card(at, name, feature, &distribution))
    };
    let cards: String = features.iter().enumerate().filter_map(shown).take(SHOWN).collect();
    if cards.is_empty() {
        return String::new();
    }
    let all = wanted.map(|_| {
        let address = address(&choice.model.model, choice.names());
        format!("<p><a href=\"{}#values-beside-reference\">All features</a></p>\n", escape(&address))
    });
    format!(
        "<h2 id=\"values-beside-reference\">Values beside the reference</h2>\n\
         <p class=\"legend\">Share of rows in each cell of the reference: <span class=\"swatch reference\"></span> reference above, \
         <span class=\"swatch current\"></span> this window below (<span class=\"swatch moved\"></span> where the feature drifted).</p>\n\
         {}<div class=\"cards pictures\">\n{cards}</div>\n",
        all.unwrap_or_default()
    )
}

/// Where a feature's picture is: on this page, or on one of its own. `wanted` is the only one on this page, if it is set.
pub(super) fn link(choice: &Choice<'_>, features: &[Named<'_>], wanted: Option<&str>, name: &str) -> String {
    let place = features.iter().position(|(known, _)| *known == name);
    let is_here = |place: usize| wanted.map_or(place < SHOWN, |wanted| wanted == name);
    let address = match place {
        _ if choice.model.distribution(choice.names(), name).is_none() => return escape(name),
        Some(place) if is_here(place) => format!("#feature-{place}"),
        _ => {
            let of_feature =
                form_urlencoded::Serializer::new(String::new()).append_pair("feature", name).finish();
            format!("{}&{of_feature}#values-beside-reference", address(&choice.model.model, choice.names()))
        }
    };
    format!("<a href=\"{}\">{}</a>", escape(&address), escape(name))
}

fn card(place: usize, name: &str, feature: &FeatureReport, distribution: &Distribution) -> String {
    let greatest = distribution.cells.iter().map(|cell| cell.reference.max(cell.current.unwrap_or(0.0)));
    let greatest = greatest.fold(0.0, f64::max);
    let class = if feature.detected == Some(true) { "moved" } else { "current" };
    let rows: String = labels(distribution)
        .iter()
        .zip(&distribution.cells)
        .filter(|(_, cell)| is_worth_a_row(cell))
        .map(|(label, cell)| bars(label, cell, (class, greatest)))
        .collect();
    format!(
        "<figure class=\"card\" id=\"feature-{place}\">\n<figcaption><h3>{}</h3> {}</figcaption>\n\
         <table class=\"bars\">\n<thead><tr><th scope=\"col\">{}</th><td></td><th scope=\"col\" class=\"number\">Reference</th>\
         <th scope=\"col\" class=\"number\">Now</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</figure>\n",
        escape(name),
        drift::state(feature),
        if distribution.cells.iter().any(|cell| cell.kind == CellKind::Category) {
            "Category"
        } else {
            "Values"
        }
    )
}

/// What is beside the values is shown where there is any of it.
fn is_worth_a_row(cell: &Cell) -> bool {
    matches!(cell.kind, CellKind::Bin | CellKind::Category | CellKind::Missing)
        || cell.reference > 0.0
        || cell.current.is_some_and(|share| share > 0.0)
}

fn bars(label: &str, cell: &Cell, (class, greatest): (&str, f64)) -> String {
    let width = |share: f64| if greatest > 0.0 { share / greatest * 100.0 } else { 0.0 };
    let now =
        cell.current.map_or_else(|| "nothing now".to_owned(), |share| format!("{} now", in_percent(share)));
    let special = !matches!(cell.kind, CellKind::Bin | CellKind::Category);
    format!(
        "<tr{}><th scope=\"row\">{label}</th><td><svg viewBox=\"0 0 100 18\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>{label}</title><desc>{} of the reference, {now}</desc>\
         <rect class=\"reference\" x=\"0\" y=\"2\" width=\"{:.2}\" height=\"7\"/>\
         <rect class=\"{class}\" x=\"0\" y=\"9\" width=\"{:.2}\" height=\"7\"/></svg></td>\
         <td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
        if special { " class=\"special\"" } else { "" },
        in_percent(cell.reference),
        width(cell.reference),
        width(cell.current.unwrap_or(0.0)),
        percent(Some(cell.reference)),
        percent(cell.current)
    )
}

/// The cells for people, in HTML.
fn labels(distribution: &Distribution) -> Vec<String> {
    let cells = &distribution.cells;
    let label = |(at, cell): (usize, &Cell)| match cell.kind {
        CellKind::Bin => interval(&cell.name).map_or_else(|| escape(&cell.name), |words| escape(&words)),
        CellKind::Below => cells.get(at + 1).and_then(|next| below(&next.name)).unwrap_or("below".to_owned()),
        CellKind::Above => above(cells, at).unwrap_or("above".to_owned()),
        CellKind::Category | CellKind::OtherCategories => escape(&cell.name),
        CellKind::Missing => "missing".to_owned(),
        CellKind::Unseen => "not in the reference".to_owned(),
        CellKind::BadType => "wrong type".to_owned(),
    };
    cells.iter().enumerate().map(label).collect()
}

/// The ends of a bin's name, `(from, to]` or `[from, to]`.
fn ends(name: &str) -> Option<(f64, f64)> {
    let (from, to) = name.strip_prefix(['(', '['])?.strip_suffix(']')?.split_once(", ")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

/// The same with edges that can be read.
fn interval(name: &str) -> Option<String> {
    let (from, to) = ends(name)?;
    if from == to {
        return Some(short(to));
    }
    Some(format!("{}{}, {}]", &name[..1], short(from), short(to)))
}

fn below(first_bin: &str) -> Option<String> {
    let (from, _) = ends(first_bin)?;
    Some(format!("{} {}", if first_bin.starts_with('[') { "&lt;" } else { "≤" }, short(from)))
}

fn above(cells: &[Cell], at: usize) -> Option<String> {
    let (_, to) = ends(&cells.get(at.checked_sub(1)?)?.name)?;
    Some(format!("&gt; {}", short(to)))
}

/// A number with a few significant digits; whole ones keep all of theirs.
fn short(number: f64) -> String {
    let size = number.abs();
    if number.fract() == 0.0 && size < 1e9 || size == 0.0 {
        return format!("{number}");
    }
    if !(1e-4..1e9).contains(&size) {
        return format!("{number:.2e}");
    }
    let decimals = (DIGITS - 1 - size.log10().floor() as i32).max(0) as usize;
    let fixed = format!("{number:.decimals$}");
    let trimmed =
        if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.') } else { &fixed };
    trimmed.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_short_and_keep_what_distinguishes_them() {
        for (number, words) in [
            (17.0, "17"),
            (-0.5, "-0.5"),
            (0.123_456_7, "0.1235"),
            (1234.567, "1235"),
            (3e-7, "3.00e-7"),
            (2e12, "2.00e12"),
        ] {
            assert_eq!(short(number), words);
        }
        assert_eq!(interval("(0.25, 31.400000000000002]").as_deref(), Some("(0.25, 31.4]"));
        assert_eq!(interval("[18, 18]").as_deref(), Some("18"));
        assert_eq!(interval("no interval"), None);
    }

    #[test]
    fn the_tails_are_named_by_the_edges_beside_them() {
        let cell = |name: &str, kind| Cell { name: name.to_owned(), kind, reference: 0.5, current: None };
        let cells = vec![
            cell("below", CellKind::Below),
            cell("(17, 25]", CellKind::Bin),
            cell("(25, 94]", CellKind::Bin),
            cell("above", CellKind::Above),
        ];
        let feature_type = modelwatch_exporter_core::schema::FeatureType::Numeric;
        assert_eq!(
            labels(&Distribution { feature_type, cells }),
            ["≤ 17", "(17, 25]", "(25, 94]", "&gt; 94"]
        );
        assert_eq!(below("[18, 25]").as_deref(), Some("&lt; 18"));
    }
}
