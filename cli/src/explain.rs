//! `palisade explain`: one question to the policy, and the entry that answers it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use palisade_policy::{Identity, Outcome, Policy, Reason, Section, default_policy};
use serde::Serialize;

use crate::ask;
use crate::event::{Asked, Event, Judged};
use crate::failure::Failure;
use crate::output::{self, DIM, ERROR, Format, GOOD, Safe, WARNING};
use crate::remedy;
use crate::source::Source;

/// Ask a policy for one verdict, and which entry of it decides
///
/// The verdict is that of the library in the function, but for what only the function knows: files and links are those of this machine,
/// and so is the environment. Where it names no Lambda endpoints, the usual ones are taken.
#[derive(clap::Args)]
#[command(
    subcommand_value_name = "EVENT",
    subcommand_help_heading = "Events",
    after_help = "\
Examples:
  palisade explain --policy policy.json --function pay exec /bin/sh -c id
  palisade explain connect 10.1.2.3:443
  palisade explain --policy policy.json --audit \"$LINE\"
  palisade audits --json log | head -1 | palisade explain --policy policy.json --audit -

Exit codes:
  0   the verdict is on stdout, whatever it is; with --exit-code: allow
  1   with --exit-code: prevent
  2   wrong usage
  3   with --exit-code: alert
  66  the policy cannot be read
  74  the output cannot be written
  78  the policy is not valid"
)]
pub struct Arguments {
    /// The policy, as `check` takes it; without one, the built-in default is asked
    #[arg(long, value_name = "FILE", global = true)]
    policy: Option<PathBuf>,

    /// Name of the function, for rules with a scope
    #[arg(
        long,
        value_name = "NAME",
        global = true,
        env = "AWS_LAMBDA_FUNCTION_NAME",
        default_value = "",
        hide_default_value = true
    )]
    function: String,

    /// Its AWS region; AWS_DEFAULT_REGION, where neither says it
    #[arg(
        long,
        value_name = "REGION",
        global = true,
        env = "AWS_REGION",
        default_value = "",
        hide_default_value = true
    )]
    region: String,

    /// Its AWS account
    #[arg(
        long,
        value_name = "NUMBER",
        global = true,
        env = "PALISADE_ACCOUNT",
        default_value = "",
        hide_default_value = true
    )]
    account: String,

    /// A line of a log: which entry refused what it tells of, and what one change of the policy would allow exactly that; `-` reads standard input
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    audit: Option<String>,

    /// Exit with 1 for prevent and 3 for alert
    #[arg(long, global = true)]
    exit_code: bool,

    /// How to write the result
    #[arg(long, value_enum, global = true, default_value_t = Format::Text)]
    format: Format,

    #[command(subcommand)]
    event: Option<Event>,
}

/// What is asked, and how the answer is to be given.
pub struct Asking<'a> {
    pub policy: &'a Policy,
    pub identity: Identity<'a>,
    pub format: Format,
    pub exit_code: bool,
}

pub fn explain(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let region = match arguments.region.as_str() {
        "" => std::env::var("AWS_DEFAULT_REGION").unwrap_or_default(),
        given => given.to_owned(),
    };
    let policy = match &arguments.policy {
        Some(file) => Source::read(file)?.load()?.policy,
        None => default_policy(),
    };
    let identity = Identity {
        function: &arguments.function,
        region: &region,
        account: &arguments.account,
    };
    let event = match (&arguments.audit, &arguments.event) {
        (Some(audit), None) => {
            let line = match audit.as_str() {
                "-" => std::io::read_to_string(std::io::stdin())
                    .map_err(|cause| Failure::unreadable(Path::new("-"), cause))?,
                line => line.to_owned(),
            };
            let asking = Asking {
                policy: &policy,
                identity,
                format: arguments.format,
                exit_code: arguments.exit_code,
            };
            return remedy::explain(&line, &asking);
        }
        (None, Some(event)) => event,
        _ => {
            return Err(Failure::Usage(
                "one question is needed. Usage: palisade explain [OPTIONS] EVENT, or palisade explain --audit LINE"
                    .to_owned(),
            ));
        }
    };
    let compiled = ask::compiled(&policy, identity, event.program());
    let decider = compiled.decider();
    let mut judged = event.judge(&decider)?;
    judged
        .notes
        .extend(missing_scope(arguments, &region, &policy));

    let outcome = judged.verdict.outcome;
    let answer = Answer::of(judged, decider.rule());
    match arguments.format {
        Format::Text => output::stdout(&answer.text())?,
        Format::Json => output::json(&answer)?,
    }
    Ok(exit_code(outcome, arguments.exit_code))
}

/// With `--exit-code`, the verdict; else that there is one.
pub fn exit_code(outcome: Outcome, wanted: bool) -> ExitCode {
    match outcome {
        Outcome::Prevent if wanted => ExitCode::from(1),
        Outcome::Alert if wanted => ExitCode::from(3),
        _ => ExitCode::SUCCESS,
    }
}

/// A rule that was passed over only because nobody said for which function the question is.
fn missing_scope(arguments: &Arguments, region: &str, policy: &Policy) -> Option<String> {
    let missing =
        |given: &str, flag: &'static str, used: fn(&palisade_policy::schema::Scope) -> bool| {
            let scoped = policy
                .rules
                .iter()
                .any(|rule| rule.enabled && used(&rule.scope));
            (given.is_empty() && scoped).then_some(flag)
        };
    let flags: Vec<&str> = [
        missing(&arguments.function, "--function", |scope| {
            !scope.functions.is_empty()
        }),
        missing(region, "--region", |scope| !scope.regions.is_empty()),
        missing(&arguments.account, "--account", |scope| {
            !scope.accounts.is_empty()
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!flags.is_empty()).then(|| {
        format!(
            "rules of this policy have a scope; which of them applies depends on {}",
            flags.join(" and ")
        )
    })
}

/// The answer, as `--format json` writes it. `place` and `pattern` are absent where no single entry decides.
#[derive(Serialize)]
struct Answer<'a> {
    event: Asked,
    #[serde(skip)]
    outcome: Outcome,
    verdict: &'static str,
    reason: &'static str,
    /// The name in an audit; only of a breach.
    #[serde(skip_serializing_if = "Option::is_none")]
    attack: Option<&'static str>,
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
    why: String,
    notes: Vec<String>,
}

impl<'a> Answer<'a> {
    fn of(judged: Judged<'a>, rule: Option<&'a str>) -> Self {
        let Judged {
            asked,
            section,
            verdict,
            notes,
        } = judged;
        let breach = verdict.outcome != Outcome::Allow;
        let mut why = why(verdict.reason, section, rule.is_some(), &asked).to_owned();
        match verdict.outcome {
            Outcome::Allow => {}
            Outcome::Alert => why.push_str(" It goes on, and an audit line at WARN says so."),
            Outcome::Prevent => {
                let _ = write!(
                    why,
                    " The program gets {}, and an audit line at ERROR says so.",
                    refusal(section)
                );
            }
        }
        Self {
            event: asked,
            outcome: verdict.outcome,
            verdict: outcome(verdict.outcome),
            reason: name(verdict.reason),
            attack: breach.then(|| verdict.reason.attack(section)),
            rule,
            place: verdict.place(),
            pattern: verdict.pattern(),
            why,
            notes,
        }
    }

    fn text(&self) -> String {
        let mut text = heading(
            self.outcome,
            &self.event,
            self.rule,
            (self.pattern, self.place),
        );
        row(&mut text, "why", &self.why);
        if let Some(attack) = self.attack {
            row(&mut text, "attack", attack);
        }
        for note in &self.notes {
            row(&mut text, "note", note);
        }
        text
    }
}

/// The verdict, the rule, and pattern and place of the entry.
pub fn heading(
    verdict: Outcome,
    asked: &Asked,
    rule: Option<&str>,
    entry: (Option<&str>, Option<&str>),
) -> String {
    let style = match verdict {
        Outcome::Prevent => ERROR,
        Outcome::Alert => WARNING,
        Outcome::Allow => GOOD,
    };
    let mut text = String::new();
    let asked = asked.to_string();
    output::line(
        &mut text,
        format_args!("{style}{}{style:#} {}", outcome(verdict), Safe::of(&asked)),
    );
    row(&mut text, "rule", rule.unwrap_or("none applies"));
    match entry {
        (Some(pattern), Some(place)) => {
            // As it stands in the policy.
            let pattern = serde_json::Value::from(pattern);
            row(&mut text, "entry", &format!("{pattern} at {place}"));
        }
        (Some(entry), None) | (None, Some(entry)) => row(&mut text, "entry", entry),
        (None, None) => {}
    }
    text
}

pub fn row(text: &mut String, head: &str, what: &str) {
    output::line(
        text,
        format_args!("  {DIM}{head:<8}{DIM:#} {}", Safe::of(what)),
    );
}

pub const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allow",
        Outcome::Alert => "alert",
        Outcome::Prevent => "prevent",
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exec {
                path, start, main, ..
            } => {
                let who = if *main {
                    "the main process"
                } else {
                    "a child of the main process"
                };
                write!(f, "{start} of {path} by {who}")
            }
            Self::Connect { ip, port } => write!(f, "connection to {ip} on port {port}"),
            Self::Listen { port } => write!(f, "listening on port {port}"),
            Self::Resolve { domain } => write!(f, "resolution of {domain}"),
            Self::Open { path, access } => write!(f, "{access} access to {path}"),
        }
    }
}

/// What the caller sees of a refusal: the user's contract.
const fn refusal(section: Section) -> &'static str {
    match section {
        Section::Dns => "EAI_FAIL",
        _ => "EACCES (\"Permission denied\")",
    }
}

pub const fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::Off => "off",
        Reason::Unrestricted => "unrestricted",
        Reason::Platform => "platform",
        Reason::Loopback => "loopback",
        Reason::Allowed => "allowed",
        Reason::MainProgram => "main-program",
        Reason::UnexpectedProcess => "unexpected-process",
        Reason::Denied => "denied",
        Reason::Unlisted => "unlisted",
        Reason::LoopbackClosed => "loopback-closed",
        Reason::CryptoMiner => "crypto-miner",
        // Every other reason is a breach by itself, whatever the section.
        _ => reason.attack(Section::Processes),
    }
}

/// The reason, in a sentence.
pub fn why(reason: Reason, section: Section, ruled: bool, asked: &Asked) -> &'static str {
    match reason {
        Reason::Off if !ruled => {
            "No rule of the policy applies to this function, so that nothing is judged."
        }
        Reason::Off => match section {
            Section::Processes => "The rule's section `processes` is off, or forbids nothing.",
            Section::Outbound => "The rule's `network.outbound` is off, or forbids nothing.",
            Section::Listen => "The rule's `network.listen` is off, or forbids nothing.",
            Section::Dns => "The rule's section `dns` is off, or forbids nothing.",
            Section::Filesystem => "The rule's section `filesystem` is off, or forbids nothing.",
        },
        Reason::Unrestricted if section == Section::Dns => {
            "No entry of `deny` matches, and there is no allow list, or it is no name at all: addresses and `localhost` are not judged."
        }
        Reason::Unrestricted => "No entry of `deny` matches, and there is no allow list.",
        Reason::Platform => "Lambda itself needs it, so that no policy can forbid it.",
        Reason::Loopback => {
            "Loopback is the sandbox itself: it is open unless `network.outbound.loopback` is false."
        }
        Reason::Allowed => "The entry of `allow` matches, and none of `deny` does.",
        Reason::MainProgram => {
            "The main process runs its own program again, which `main_only` leaves to it."
        }
        Reason::UnexpectedProcess => match asked {
            Asked::Exec { main: false, .. } => {
                "`main_only` is on: a child of the main process may not run any program."
            }
            _ => "`main_only` is on: the main process may not run any program but its own.",
        },
        Reason::Denied => "The entry of `deny` matches, and `deny` beats `allow`.",
        Reason::Unlisted => "There is an allow list, and none of its entries matches.",
        Reason::LoopbackClosed => {
            "`network.outbound.loopback` is false, and no entry of `allow` matches."
        }
        Reason::CryptoMiner => {
            "`crypto_miners` is on, and this is a known miner, or an argument that only miners take."
        }
        Reason::UnfollowableProgram => {
            "Palisade cannot be loaded into this program (static, of another architecture or C library, or with more rights than its caller): \
             `unfollowable`, or the effect of `processes`, decides on all of those."
        }
        Reason::FilelessProgram => {
            "The program lies in memory or was deleted: it has no name that an entry could match, so that the effect of `processes` decides."
        }
        Reason::UnfollowableLibrary => {
            "A library in a namespace of its own has a C library of its own, which no hook sees: the strictest effect of all sections decides."
        }
        Reason::MemoryWrite => {
            "Who writes to the memory of a process writes over the hooks: the strictest effect of all sections decides."
        }
        Reason::MalformedQuestion => {
            "What goes to the name server is no question that could be judged, so that the effect of `dns` decides."
        }
        _ => "The policy decides so.",
    }
}
