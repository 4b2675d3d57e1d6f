//! `palisade explain --audit`: which entry refused what an audit tells of, and what would have to change for it to be allowed.

use std::path::PathBuf;
use std::process::ExitCode;

use palisade_audit::{Borrowed, Str, parse_line};
use palisade_policy::{Identity, Outcome, Policy, Reason, Verdict};
use serde_json::{Value, json};

use crate::act::{Act, destination};
use crate::ask;
use crate::change::{Change, exactly};
use crate::explain::{self, Asking};
use crate::failure::Failure;
use crate::output::{self, DIM, Format, GOOD, STRONG, Safe, WARNING};
use crate::paths;

/// More entries than this are not taken away one after the other.
const STEPS: usize = 64;

/// A script's interpreter may be a script (execve(2)), so often.
const SCRIPTS: usize = 4;

/// What can be said about an audit.
struct Remedy {
    changes: Vec<Change>,
    /// Nothing but what was asked about becomes possible.
    exact: bool,
    /// The policy was changed so, and asked again.
    works: bool,
    patch: Vec<Value>,
}

/// Answers for one audit line.
pub fn explain(line: &str, asking: &Asking<'_>) -> Result<ExitCode, Failure> {
    let audit = line.lines().find_map(parse_line).ok_or_else(|| {
        Failure::Usage("--audit needs one line of a log with an audit in it, in quotes".to_owned())
    })?;
    let Some(act) = Act::of(&audit) else {
        return Err(Failure::Usage(format!(
            "this audit ({}) is a notice: nothing was asked for, so no policy would have allowed it",
            Safe::of(&audit.attack)
        )));
    };
    let identity = Identity {
        function: given(asking.identity.function, &audit.function),
        region: given(asking.identity.region, &audit.region),
        account: asking.identity.account,
    };
    let compiled = ask::compiled(asking.policy, identity, None);
    let decider = compiled.decider();
    let verdict = act.judge_again(&audit, &decider);
    let mut notes = notes(&audit, &verdict, decider.rule(), &act);
    let remedy = match verdict.outcome {
        Outcome::Allow => None,
        _ if is_cut(&audit) => None,
        _ => {
            let steps = steps(&act, &audit, &verdict, &mut notes);
            Some(remedy(asking.policy, identity, &steps)?)
        }
    };
    match asking.format {
        Format::Json => output::json(&json!({
            "audit": {"timestamp": audit.timestamp, "attack": audit.attack, "effect": audit.effect, "rule": audit.rule},
            "event": act.asked(),
            "verdict": explain::outcome(verdict.outcome),
            "reason": explain::name(verdict.reason),
            "rule": decider.rule(),
            "place": verdict.place(),
            "pattern": verdict.pattern(),
            "why": explain::why(verdict.reason, act.section(), decider.rule().is_some(), &act.asked()),
            "remedy": remedy.as_ref().map(|remedy| json!({
                "changes": remedy.changes.iter().map(Change::sentence).collect::<Vec<_>>(),
                "patch": remedy.patch,
                "exact": remedy.exact,
                "works": remedy.works,
            })),
            "notes": notes,
        }))?,
        Format::Text => {
            let mut text = explain::heading(
                verdict.outcome,
                &act.asked(),
                decider.rule(),
                (verdict.pattern(), verdict.place()),
            );
            let why = explain::why(
                verdict.reason,
                act.section(),
                decider.rule().is_some(),
                &act.asked(),
            );
            explain::row(&mut text, "why", why);
            for note in &notes {
                explain::row(&mut text, "note", note);
            }
            if let Some(remedy) = &remedy {
                tell(&mut text, remedy, &verdict);
            }
            output::stdout(&text)?;
        }
    }
    Ok(explain::exit_code(verdict.outcome, asking.exit_code))
}

fn tell(text: &mut String, remedy: &Remedy, verdict: &Verdict<'_>) {
    output::line(text, "");
    if !remedy.works {
        let head = "No entry of the policy could allow it.";
        let effect = verdict
            .place()
            .unwrap_or("the strictest effect of its sections");
        output::line(
            text,
            format_args!(
                "{WARNING}{head}{WARNING:#} It goes on, and is reported, where {effect} is \"alert\"."
            ),
        );
        return;
    }
    let head = match (remedy.exact, remedy.changes.len()) {
        (true, 1) => "This one change would allow exactly that:",
        (true, _) => "These changes would allow exactly that:",
        (false, _) => "To allow it, more than that would become possible:",
    };
    output::line(text, format_args!("{STRONG}{head}{STRONG:#}"));
    for change in &remedy.changes {
        output::line(text, format_args!("  {GOOD}{}{GOOD:#}", change.sentence()));
    }
    output::line(
        text,
        format_args!("  {DIM}checked: with it, the policy allows this{DIM:#}"),
    );
    let patch = Value::Array(remedy.patch.clone()).to_string();
    output::line(
        text,
        format_args!("  {DIM}patch{DIM:#} {}", Safe::of(&patch)),
    );
}

/// What the command line says goes before what the audit says.
fn given<'a>(argument: &'a str, audit: &'a str) -> &'a str {
    if argument.is_empty() { audit } else { argument }
}

fn is_cut(audit: &Borrowed<'_>) -> bool {
    let subject = |name: &Str<'_>| matches!(&**name, "path" | "domain" | "command");
    let lossy =
        |text: &Option<Str<'_>>| text.as_ref().is_some_and(|text| text.contains('\u{fffd}'));
    audit.truncated.iter().any(subject) || lossy(&audit.path) || lossy(&audit.domain)
}

fn notes(
    audit: &Borrowed<'_>,
    verdict: &Verdict<'_>,
    rule: Option<&str>,
    act: &Act,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Some(recorded), Some(now)) = (audit.rule.as_deref(), rule)
        && recorded != now
    {
        notes.push(format!("the audit names the rule {recorded}, and {now} applies now: the policy is another one, or the function is in another region or account"));
    }
    let attack = verdict.reason.attack(act.section());
    if verdict.outcome == Outcome::Allow {
        notes.push("this policy allows it; the audit comes from another one, or something that it does not tell mattered".to_owned());
    } else if audit.effect.as_deref() != Some("learn") && audit.attack != attack {
        notes.push(format!(
            "the audit's reason is {}, and this policy's is {attack}",
            audit.attack
        ));
    }
    if is_cut(audit) {
        notes.push("the audit holds only a part of what was asked for, so that no entry can be made from it".to_owned());
    }
    notes
}

/// The act, and what else has to be allowed for it, each with the audit that it would leave: a script is run by another program, which is judged
/// as well, and a static program is judged a second time.
fn steps<'a>(
    act: &Act,
    audit: &Borrowed<'a>,
    verdict: &Verdict<'_>,
    notes: &mut Vec<String>,
) -> Vec<(Act, Borrowed<'a>)> {
    let mut steps = vec![(act.clone(), audit.clone())];
    let by_list = matches!(
        verdict.reason,
        Reason::Unlisted | Reason::UnexpectedProcess | Reason::Denied
    );
    let Act::Process { path, command } = act else {
        return steps;
    };
    if !by_list {
        return steps;
    }
    let mut program = PathBuf::from(path);
    if std::fs::symlink_metadata(&program).is_err() {
        notes.push("the program is not on this machine; if it is a script, its interpreter needs an entry too".to_owned());
    }
    while let Some(interpreter) = paths::interpreter(&program).filter(|_| steps.len() < SCRIPTS) {
        let further = if interpreter.ends_with("env") {
            "; it turns into another program, which needs an entry of its own"
        } else {
            ""
        };
        notes.push(format!(
            "{} is a script on this machine, and {} runs it: it needs an entry too, and can then run whatever else it is given{further}",
            Safe::of(&program),
            Safe::of(&interpreter),
        ));
        program = interpreter;
        let act = Act::Process {
            path: program.to_string_lossy().into_owned(),
            command: command.clone(),
        };
        steps.push((act, audit.clone()));
    }
    if paths::is_static(&program) {
        notes.push(format!(
            "{} is static on this machine, so that Palisade cannot be loaded into it: `unfollowable` decides on it as well",
            Safe::of(&program)
        ));
        if let Some((_, audit)) = steps.last_mut() {
            audit.attack = Reason::UnfollowableProgram.attack(act.section()).into();
        }
    }
    steps
}

/// Changes the policy, in memory, until it allows the act.
fn remedy(
    policy: &Policy,
    identity: Identity<'_>,
    acts: &[(Act, Borrowed<'_>)],
) -> Result<Remedy, Failure> {
    let internal = |cause: serde_json::Error| Failure::Output(cause.into());
    let mut value = serde_json::to_value(policy).map_err(internal)?;
    let mut changes: Vec<Change> = Vec::new();
    let mut patch = Vec::new();
    let mut works = false;
    for _ in 0..STEPS {
        // As it would be read from a file, so that what is proposed is a policy.
        let text = serde_json::to_vec(&value).map_err(internal)?;
        let Ok(parsed) = palisade_policy::parse(&text) else {
            break;
        };
        let compiled = ask::compiled(&parsed.policy, identity, None);
        let decider = compiled.decider();
        let refused = acts
            .iter()
            .map(|(act, audit)| (act, audit, act.judge_again(audit, &decider)))
            .find(|(.., verdict)| verdict.outcome != Outcome::Allow);
        let Some((act, audit, verdict)) = refused else {
            works = true;
            break;
        };
        let Some(change) = step(&verdict, &lasting(act, audit)) else {
            break;
        };
        patch.extend(change.patch(&value));
        change.apply(&mut value);
        changes.push(change);
    }
    if !works {
        // Half of it would help nobody.
        changes.clear();
        patch.clear();
    }
    let exact = works && acts.len() == 1 && changes.iter().all(Change::is_exact);
    Ok(Remedy {
        changes,
        exact,
        works,
        patch,
    })
}

/// A process has another number the next time: its own files in /proc are written as a policy names them.
fn lasting(act: &Act, audit: &Borrowed<'_>) -> Act {
    let own = format!("/proc/{}/", audit.pid);
    match act {
        Act::File { path, access } if path.starts_with(&own) => Act::File {
            path: path.replacen(&own, "/proc/self/", 1),
            access: *access,
        },
        other => other.clone(),
    }
}

/// The least that changes this verdict.
fn step(verdict: &Verdict<'_>, act: &Act) -> Option<Change> {
    let place = verdict.place().map(str::to_owned);
    Some(match verdict.reason {
        Reason::Unlisted => Change::Add {
            list: place?,
            entry: entry(act),
        },
        Reason::LoopbackClosed => Change::Add {
            list: place?.replace(".loopback", ".allow"),
            entry: entry(act),
        },
        Reason::UnexpectedProcess => {
            let place = place?;
            Change::Replace {
                list: place.replace(".main_only", ".allow"),
                place,
                entry: entry(act),
            }
        }
        // A list that comes with Palisade has no entry that could go.
        Reason::CryptoMiner => Change::Set {
            place: place?,
            value: Value::Bool(false),
        },
        Reason::Denied => Change::Remove {
            place: place?,
            entry: verdict.pattern()?.to_owned(),
        },
        Reason::UnfollowableProgram => Change::Set {
            place: place?,
            value: "allow".into(),
        },
        // What has no name, and what goes around the hooks, no entry could be about.
        _ => return None,
    })
}

/// The entry that allows this act and no other.
pub fn entry(act: &Act) -> Value {
    match act {
        Act::Process { path, .. } => exactly(path).into(),
        Act::Connect { ip, port } => destination(*ip, *port).into(),
        Act::Listen { port } => (*port).into(),
        Act::Resolve { domain } => domain.trim_end_matches('.').to_ascii_lowercase().into(),
        Act::File { path, access } => match access.name() {
            "read-write" => exactly(path).into(),
            access => json!({"path": exactly(path), "access": access}),
        },
    }
}
