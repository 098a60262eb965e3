//! `{{#each list}}`, which counts what it goes through, so that lists within lists end in time whatever they write.

use handlebars::{
    BlockContext, BlockParams, Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext,
    RenderError, Renderable as _,
};
use serde_json::Value;

use super::misuse;

/// In place of Handlebars' own, with the same meaning: `this`, `@index`, `@key`, `@first`, `@last`, `as |value key|`, `else`.
pub(super) struct Each;

/// One item, and what it is called within its list.
struct Item<'a> {
    key: Value,
    value: &'a Value,
    index: usize,
    is_last: bool,
}

impl HelperDef for Each {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let list = helper.param(0).ok_or_else(|| misuse("each", "it needs a list"))?;
        let items = match list.value() {
            Value::Array(values) => items(values.iter().enumerate().map(|(i, value)| (i.into(), value))),
            Value::Object(map) => items(map.iter().map(|(key, value)| (key.as_str().into(), value))),
            _ if helper.inverse().is_none() => return Err(RenderError::strict_error(list.relative_path())),
            _ => Vec::new(),
        };
        if items.is_empty() {
            return helper.inverse().map_or(Ok(()), |inner| inner.render(registry, context, state, out));
        }
        let Some(inner) = helper.template() else { return Ok(()) };
        for item in items {
            // a step, which whoever takes the output counts
            out.write("")?;
            state.push_block(block(helper, list.context_path(), &item)?);
            inner.render(registry, context, state, out)?;
            state.pop_block();
        }
        Ok(())
    }
}

fn items<'a>(values: impl ExactSizeIterator<Item = (Value, &'a Value)>) -> Vec<Item<'a>> {
    let last = values.len().saturating_sub(1);
    values
        .enumerate()
        .map(|(index, (key, value))| Item { key, value, index, is_last: index == last })
        .collect()
}

/// What names mean within the block for one item; what has a path is not copied.
fn block<'rc>(
    helper: &Helper<'rc>,
    list: Option<&Vec<String>>,
    item: &Item<'_>,
) -> Result<BlockContext<'rc>, RenderError> {
    let mut block = BlockContext::new();
    block.set_local_var("first", (item.index == 0).into());
    block.set_local_var("last", item.is_last.into());
    block.set_local_var("index", item.index.into());
    if item.key.is_string() {
        block.set_local_var("key", item.key.clone());
    }
    let name = item.key.as_str().map_or_else(|| item.index.to_string(), str::to_owned);
    match list {
        Some(path) => *block.base_path_mut() = path.iter().cloned().chain([name]).collect(),
        None => block.set_base_value(item.value.clone()),
    }
    let named = helper.block_param().map(|value| (value, None));
    let named = named.or_else(|| helper.block_param_pair().map(|(value, key)| (value, Some(key))));
    if let Some((value, key)) = named {
        let mut names = BlockParams::new();
        match list {
            Some(_) => names.add_path(value, Vec::new())?,
            None => names.add_value(value, item.value.clone())?,
        }
        if let Some(key) = key {
            names.add_value(key, item.key.clone())?;
        }
        block.set_block_params(names);
    }
    Ok(block)
}
