//! Does each hooked function do what its manual page says, and does each refusal look as the contract says?

mod batch;
mod cancellation;
mod cases;
mod effects;
mod errors;
mod numbers;
mod pointers;
mod rows;
mod stack;
mod symbols;
mod traps;
mod tricks;
