//! Walks over the document and collects problems instead of stopping at the first.

use crate::diagnostics::{Problem, nearest};
use crate::format;
use crate::json::{Member, Node, Value, quoted};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

#[derive(Default)]
pub(super) struct Walker {
    pub(super) problems: Vec<Problem>,
    /// States of all patterns so far; they become memory in every function that starts.
    pub(super) states: usize,
}

/// The members of an object whose names are known and that stand there once.
pub(super) struct Fields<'n, 'p> {
    pub(super) place: Place<'p>,
    node: &'n Node,
    members: &'n [Member],
}

/// Where something stands in the document: a step, and the place that it is taken from. It is written out for problems alone, which most
/// policies do not have: `rules[0].dns.deny[3]`.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    from: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Document,
    Field(&'p str),
    Item(usize),
}

impl Place<'_> {
    pub(super) const DOCUMENT: Place<'static> = Place {
        from: None,
        step: Step::Document,
    };
}

impl<'p> Place<'p> {
    /// A field of the object that stands there.
    pub(super) fn field(&'p self, name: &'p str) -> Self {
        Self {
            from: Some(self),
            step: Step::Field(name),
        }
    }

    /// An item of the array that stands there.
    pub(super) fn item(&'p self, index: usize) -> Self {
        Self {
            from: Some(self),
            step: Step::Item(index),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_first = match self.from {
            Some(from) => {
                from.fmt(f)?;
                matches!(from.step, Step::Document)
            }
            None => true,
        };
        match self.step {
            Step::Document => Ok(()),
            Step::Field(name) if is_first => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Item(index) => write!(f, "[{index}]"),
        }
    }
}

impl<'n, 'p> Fields<'n, 'p> {
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.members
            .iter()
            .find(|member| member.key == name)
            .map(|member| &member.value)
    }

    pub(super) fn at<'s>(&'s self, name: &'s str) -> Place<'s>
    where
        'p: 's,
    {
        self.place.field(name)
    }
}

impl Walker {
    pub(super) fn problem(
        &mut self,
        place: Place<'_>,
        node: &Node,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.problems.push(Problem {
            place: place.to_string(),
            value: node.value.to_json(),
            message: message.into(),
            expected: expected.into(),
            line: Some(node.line),
            column: Some(node.column),
        });
    }

    fn wrong_type(&mut self, place: Place<'_>, node: &Node, expected: &str) {
        self.problem(
            place,
            node,
            format!("this is {}", node.value.kind()),
            expected,
        );
    }

    /// An object with no fields but `known`.
    pub(super) fn object<'n, 'p>(
        &mut self,
        node: &'n Node,
        place: Place<'p>,
        known: &[&'static str],
    ) -> Option<Fields<'n, 'p>> {
        let Value::Object(members) = &node.value else {
            self.wrong_type(place, node, "an object");
            return None;
        };
        let mut seen: Vec<&str> = Vec::new();
        for member in members {
            if !known.contains(&member.key.as_str()) {
                let message = match nearest(&member.key, known) {
                    Some(near) => format!("unknown field (did you mean `{near}`?)"),
                    None => "unknown field".to_owned(),
                };
                let expected = format!("one of {}", list(known));
                self.member(place, member, message, expected);
            } else if seen.contains(&member.key.as_str()) {
                self.member(
                    place,
                    member,
                    "the field is here twice".to_owned(),
                    "one of them".to_owned(),
                );
            } else {
                seen.push(&member.key);
            }
        }
        Some(Fields {
            place,
            node,
            members,
        })
    }

    /// A problem with a member of the object that stands there.
    fn member(&mut self, place: Place<'_>, member: &Member, message: String, expected: String) {
        self.problems.push(Problem {
            place: place.field(&shown(&member.key)).to_string(),
            value: member.value.value.to_json(),
            message,
            expected,
            line: Some(member.line),
            column: Some(member.column),
        });
    }

    pub(super) fn required<'n>(
        &mut self,
        fields: &Fields<'n, '_>,
        name: &str,
        expected: &str,
    ) -> Option<&'n Node> {
        let found = fields.get(name);
        if found.is_none() {
            self.problems.push(Problem {
                place: fields.at(name).to_string(),
                value: String::new(),
                message: "the field is missing".to_owned(),
                expected: expected.to_owned(),
                line: Some(fields.node.line),
                column: Some(fields.node.column),
            });
        }
        found
    }

    pub(super) fn boolean(&mut self, fields: &Fields<'_, '_>, name: &str, default: bool) -> bool {
        match fields.get(name) {
            None => default,
            Some(node) => match &node.value {
                Value::Bool(value) => *value,
                _ => {
                    self.wrong_type(fields.at(name), node, "`true` or `false`");
                    default
                }
            },
        }
    }

    /// A string that is not empty and holds no NUL.
    pub(super) fn string<'n>(
        &mut self,
        node: &'n Node,
        place: Place<'_>,
        expected: &str,
    ) -> Option<&'n str> {
        let Value::String(text) = &node.value else {
            self.wrong_type(place, node, expected);
            return None;
        };
        if text.is_empty() {
            self.problem(place, node, "the string is empty", expected);
            return None;
        }
        if text.contains('\0') {
            self.problem(place, node, "the string holds a NUL character", expected);
            return None;
        }
        Some(text)
    }

    /// The items of an array, each read by `read`; a field that is not there is an empty one.
    pub(super) fn items<T>(
        &mut self,
        fields: &Fields<'_, '_>,
        name: &str,
        what: &str,
        most: usize,
        mut read: impl FnMut(&mut Self, &Node, Place<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = fields.get(name) else {
            return Vec::new();
        };
        let place = fields.at(name);
        let Value::Array(items) = &node.value else {
            self.wrong_type(place, node, what);
            return Vec::new();
        };
        if items.len() > most {
            self.problem(
                place,
                node,
                format!("{} entries are too many", items.len()),
                format!("at most {most}"),
            );
            return Vec::new();
        }
        items
            .iter()
            .enumerate()
            .filter_map(|(i, item)| read(self, item, place.item(i)))
            .collect()
    }
}

/// `a`, `b` and `c`
pub(super) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A field's name in a path: as it is if it is a plain word, else as JSON.
fn shown(key: &str) -> String {
    let plain = !key.is_empty()
        && key.len() <= 64
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-$".contains(c));
    if plain { key.to_owned() } else { quoted(key) }
}
