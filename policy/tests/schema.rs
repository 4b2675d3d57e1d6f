//! The committed JSON Schema.
