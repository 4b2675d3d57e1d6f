//! Does the function start as Lambda meant it to, or not at all?

mod arguments;
mod library;
mod next;
mod place;
mod preloads;
