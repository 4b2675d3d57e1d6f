//! Walks over the document and collects problems instead of stopping at the first.

use crate::diagnostics::{Problem, nearest};
use crate::json::{Member, Node, Value, quoted};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

#[derive(Default)]
pub(super) struct Walker {
    pub(super) problems: Vec<Problem>,
    /// States of all patterns so far; they become memory in every function that starts.
    pub(super) states: usize,
}

/// The members of an object whose names are known and that stand there once.
pub(super) struct Fields<'n> {
    pub(super) place: String,
    node: &'n Node,
    members: &'n [Member],
}

impl<'n> Fields<'n> {
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.members
            .iter()
            .find(|member| member.key == name)
            .map(|member| &member.value)
    }

    pub(super) fn at(&self, name: &str) -> String {
        join(&self.place, name)
    }
}

fn join(place: &str, name: &str) -> String {
    if place.is_empty() {
        name.to_owned()
    } else {
        format!("{place}.{name}")
    }
}

impl Walker {
    pub(super) fn problem(
        &mut self,
        place: &str,
        node: &Node,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.problems.push(Problem {
            place: place.to_owned(),
            value: node.value.to_json(),
            message: message.into(),
            expected: expected.into(),
            line: Some(node.line),
            column: Some(node.column),
        });
    }

    fn wrong_type(&mut self, place: &str, node: &Node, expected: &str) {
        self.problem(
            place,
            node,
            format!("this is {}", node.value.kind()),
            expected,
        );
    }

    /// An object with no fields but `known`.
    pub(super) fn object<'n>(
        &mut self,
        node: &'n Node,
        place: &str,
        known: &[&'static str],
    ) -> Option<Fields<'n>> {
        let Value::Object(members) = &node.value else {
            self.wrong_type(place, node, "an object");
            return None;
        };
        let mut seen: Vec<&str> = Vec::new();
        for member in members {
            let at = join(place, &shown(&member.key));
            if !known.contains(&member.key.as_str()) {
                let message = match nearest(&member.key, known) {
                    Some(near) => format!("unknown field (did you mean `{near}`?)"),
                    None => "unknown field".to_owned(),
                };
                let expected = format!("one of {}", list(known));
                self.member(at, member, message, expected);
            } else if seen.contains(&member.key.as_str()) {
                self.member(
                    at,
                    member,
                    "the field is here twice".to_owned(),
                    "one of them".to_owned(),
                );
            } else {
                seen.push(&member.key);
            }
        }
        Some(Fields {
            place: place.to_owned(),
            node,
            members,
        })
    }

    fn member(&mut self, place: String, member: &Member, message: String, expected: String) {
        self.problems.push(Problem {
            place,
            value: member.value.value.to_json(),
            message,
            expected,
            line: Some(member.line),
            column: Some(member.column),
        });
    }

    pub(super) fn required<'n>(
        &mut self,
        fields: &Fields<'n>,
        name: &str,
        expected: &str,
    ) -> Option<&'n Node> {
        let found = fields.get(name);
        if found.is_none() {
            self.problems.push(Problem {
                place: fields.at(name),
                value: String::new(),
                message: "the field is missing".to_owned(),
                expected: expected.to_owned(),
                line: Some(fields.node.line),
                column: Some(fields.node.column),
            });
        }
        found
    }

    pub(super) fn boolean(&mut self, fields: &Fields<'_>, name: &str, default: bool) -> bool {
        match fields.get(name) {
            None => default,
            Some(node) => match &node.value {
                Value::Bool(value) => *value,
                _ => {
                    self.wrong_type(&fields.at(name), node, "`true` or `false`");
                    default
                }
            },
        }
    }

    /// A string that is not empty and holds no NUL.
    pub(super) fn string<'n>(
        &mut self,
        node: &'n Node,
        place: &str,
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
        fields: &Fields<'_>,
        name: &str,
        what: &str,
        most: usize,
        mut read: impl FnMut(&mut Self, &Node, &str) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = fields.get(name) else {
            return Vec::new();
        };
        let place = fields.at(name);
        let Value::Array(items) = &node.value else {
            self.wrong_type(&place, node, what);
            return Vec::new();
        };
        if items.len() > most {
            self.problem(
                &place,
                node,
                format!("{} entries are too many", items.len()),
                format!("at most {most}"),
            );
            return Vec::new();
        }
        items
            .iter()
            .enumerate()
            .filter_map(|(i, item)| read(self, item, &format!("{place}[{i}]")))
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
