//! Warnings.
use crate::diagnostics::Lint;
use crate::schema::Policy;
pub(crate) fn lints(_policy: &Policy) -> Vec<Lint> {
    Vec::new()
}
