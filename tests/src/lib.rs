//! Helpers for the tests that load the built library into real programs.
