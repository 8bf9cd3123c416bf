//! Who reaches what, through every door: the cases of `tests/access-cases.md`, each a test named as a sentence.

mod log;
mod outcomes;
mod production;
mod rate;
mod reach;
mod reads;
mod representatives;
pub(crate) mod situation;
mod staff;
mod tokens;
mod writes;
