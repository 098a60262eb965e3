//! What the program's subcommands do; the flags that all share are those of [`modelwatch_common::cli`].

pub mod replay;
