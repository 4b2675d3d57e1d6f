//! The fields of an audit by which it can be counted.

use palisade_audit::Owned;

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
    pub fn of(self, audit: &Owned) -> String {
        let moment = |format| {
            moment::micros(&audit.timestamp)
                .map(|micros| moment::format(micros, format))
                .unwrap_or_default()
        };
        match self {
            Self::Type => audit.kind.clone(),
            Self::Effect => audit.effect.clone().unwrap_or_default(),
            Self::Rule => audit.rule.clone().unwrap_or_default(),
            Self::Function => audit.function.clone(),
            Self::Region => audit.region.clone(),
            Self::Process => audit.process.clone(),
            Self::Attack => audit.attack.clone(),
            Self::Target => Act::of(audit).map(|act| act.target()).unwrap_or_default(),
            Self::Command => audit.command.clone().unwrap_or_default(),
            Self::Technique => audit.techniques.join(" "),
            Self::Minute => moment("%Y-%m-%d %H:%M"),
            Self::Hour => moment("%Y-%m-%d %H:00"),
            Self::Day => moment("%Y-%m-%d"),
        }
    }
}
