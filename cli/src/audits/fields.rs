//! The fields of an audit by which it can be counted.

use std::borrow::Cow;

use palisade_audit::Borrowed;

use crate::act::Act;
use crate::moment;

/// A field, or what is made of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Field {
    /// process, network, dns, filesystem, policy
    Type,
    /// alert, prevent, learn
    Effect,
    /// The rule that decided
    Rule,
    /// The function
    Function,
    /// Its region
    Region,
    /// The program that acted
    Process,
    /// The reason
    Attack,
    /// What was asked for: program, address, name, file
    Target,
    /// The arguments of programs
    Command,
    /// ATT&CK techniques
    Technique,
    /// The minute
    Minute,
    /// The hour
    Hour,
    /// The day
    Day,
}

impl Field {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Effect => "effect",
            Self::Rule => "rule",
            Self::Function => "function",
            Self::Region => "region",
            Self::Process => "process",
            Self::Attack => "attack",
            Self::Target => "target",
            Self::Command => "command",
            Self::Technique => "technique",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// What the audit has there; empty for nothing.
    pub fn of<'a>(self, audit: &'a Borrowed<'_>) -> Cow<'a, str> {
        let moment = |format| {
            moment::micros(&audit.timestamp)
                .map(|micros| moment::format(micros, format))
                .unwrap_or_default()
                .into()
        };
        match self {
            Self::Type => audit.kind.as_str().into(),
            Self::Effect => audit.effect.as_deref().unwrap_or_default().into(),
            Self::Rule => audit.rule.as_deref().unwrap_or_default().into(),
            Self::Function => audit.function.as_str().into(),
            Self::Region => audit.region.as_str().into(),
            Self::Process => audit.process.as_str().into(),
            Self::Attack => audit.attack.as_str().into(),
            Self::Target => Act::target_of(audit).unwrap_or_default(),
            Self::Command => audit.command.as_deref().unwrap_or_default().into(),
            Self::Technique => match audit.techniques.as_slice() {
                [] => "".into(),
                [one] => one.as_str().into(),
                several => several
                    .iter()
                    .map(|technique| &**technique)
                    .collect::<Vec<_>>()
                    .join(" ")
                    .into(),
            },
            Self::Minute => moment("%Y-%m-%d %H:%M"),
            Self::Hour => moment("%Y-%m-%d %H:00"),
            Self::Day => moment("%Y-%m-%d"),
        }
    }
}
