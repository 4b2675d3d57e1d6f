//! Does each hooked function do what its manual page says, and does each refusal look as the contract says?

mod effects;
mod errors;
mod numbers;
mod rows;
mod symbols;
mod tricks;
