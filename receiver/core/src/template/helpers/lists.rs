//! Lists: their beginning, their order, what belongs together.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Call, MAX_TEXT, text, too_long};

/// `{{#each (first alerts 20)}}`: the first ones of a list, or of labels.
pub(super) fn first(call: &Call<'_>) -> Result<Value, String> {
    if let (Value::Object(labels), Some(most)) = (call.argument(0)?, most(call)) {
        let few = labels.iter().take(most).map(|(name, value)| (name.clone(), value.clone()));
        return Ok(Value::Object(few.collect()));
    }
    let (list, most) = counted(call, "first")?;
    Ok(list.iter().take(most).cloned().collect::<Vec<_>>().into())
}

/// `{{beyond alerts 20}}`: how many more a list has.
pub(super) fn beyond(call: &Call<'_>) -> Result<Value, String> {
    let (list, most) = counted(call, "beyond")?;
    Ok(list.len().saturating_sub(most).into())
}

/// `{{join changes " · "}}`
pub(super) fn join(call: &Call<'_>) -> Result<Value, String> {
    let separator = text(call.argument(1)?);
    let mut joined = String::new();
    for (index, item) in list(call, "join")?.iter().enumerate() {
        if index > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&text(item));
        if joined.len() > MAX_TEXT {
            return Err(too_long());
        }
    }
    Ok(joined.into())
}

/// `{{#each (sort alerts "model")}}`: by a label of theirs, or by what they have of that name; numbers as numbers, those without
/// it last, and equal ones as they were.
pub(super) fn sort(call: &Call<'_>) -> Result<Value, String> {
    let name = text(call.argument(1)?);
    let mut sorted = list(call, "sort")?.clone();
    sorted.sort_by_cached_key(|item| Key::of(item, &name));
    Ok(sorted.into())
}

/// `{{#each (group alerts "model")}}{{value}}: {{len alerts}}{{/each}}`: the alerts that have the same value of a label, together,
/// in the order of [`sort`]; `value` is empty for those without it.
pub(super) fn group(call: &Call<'_>) -> Result<Value, String> {
    let name = text(call.argument(1)?);
    let mut groups: BTreeMap<Key, Vec<&Value>> = BTreeMap::new();
    for item in list(call, "group")? {
        groups.entry(Key::of(item, &name)).or_default().push(item);
    }
    let one = |(key, alerts): (Key, Vec<&Value>)| json!({"value": key.text, "alerts": alerts});
    Ok(groups.into_iter().map(one).collect::<Vec<_>>().into())
}

fn list<'a>(call: &Call<'a>, name: &str) -> Result<&'a Vec<Value>, String> {
    call.argument(0)?.as_array().ok_or_else(|| format!("the first argument of {name} is a list"))
}

fn counted<'a>(call: &Call<'a>, name: &str) -> Result<(&'a Vec<Value>, usize), String> {
    let list = list(call, name)?;
    Ok((list, most(call).ok_or_else(|| format!("the second argument of {name} is a number"))?))
}

fn most(call: &Call<'_>) -> Option<usize> {
    call.arguments.get(1)?.as_u64().and_then(|most| usize::try_from(most).ok())
}

/// What items are ordered by: numbers, then texts, then those that have nothing.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    rank: u8,
    number: Number,
    text: String,
}

impl Key {
    fn of(item: &Value, name: &str) -> Key {
        let text = text(item["labels"].get(name).unwrap_or(&item[name]));
        let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let rank = match (text.is_empty(), number) {
            (true, _) => 2,
            (false, Some(_)) => 0,
            (false, None) => 1,
        };
        Key { rank, number: Number(number.unwrap_or_default()), text }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.rank, &self.number, &self.text).cmp(&(other.rank, &other.number, &other.text))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A finite number, which has an order.
#[derive(Debug)]
struct Number(f64);

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}
