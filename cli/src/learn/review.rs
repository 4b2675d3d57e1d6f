//! The walk through the entries: a line is asked, a line is answered, so that it works in any terminal and through any pipe.

use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::path::Path;

use super::cover;
use super::decisions::{Decision, Decisions};
use super::gather::Observed;
use super::generalize::{self, Entry, event};
use crate::failure::Failure;
use crate::output::{self, DIM, GOOD, STRONG, Safe, WARNING};

const HELP: &str = "\
  a  allow: into the policy as it is
  d  deny: not into the policy, and into `deny`
  b  broaden: one step wider
  n  narrow: only what was seen, each by itself
  s  skip: neither allowed nor denied; the policy refuses it by default
  q  quit: what was decided is kept, and the next review goes on here
";

/// Asks about every entry that nobody has decided on. Each answer is saved at once.
pub fn walk(
    entries: &[Entry<'_>],
    observed: &Observed,
    decisions: &mut Decisions,
    save: &dyn Fn(&Decisions) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut answers = io::stdin().lock();
    for (index, entry) in entries.iter().enumerate() {
        let name = entry.event();
        if decisions.0.contains_key(&name) {
            continue;
        }
        describe(entry, observed, index + 1, entries.len());
        let mut value = entry.value.clone();
        let mut instead: Option<Vec<String>> = None;
        let decision = loop {
            output::stderr("[a]llow [d]eny [b]roaden [n]arrow [s]kip [q]uit [?] ");
            let mut line = String::new();
            let length = answers
                .read_line(&mut line)
                .map_err(|cause| Failure::unreadable(Path::new("-"), cause))?;
            if length == 0 {
                return Ok(());
            }
            match line.trim().to_ascii_lowercase().as_str() {
                "a" | "allow" | "y" => {
                    break match instead.take() {
                        Some(events) => Decision::Instead(events),
                        None => Decision::Allow,
                    };
                }
                "d" | "deny" => break Decision::Deny,
                "s" | "skip" | "" => break Decision::Skip,
                "q" | "quit" => return Ok(()),
                "b" | "broaden" => match generalize::wider(entry.section, &value) {
                    Some(wide) => {
                        let text = event(entry.section, &wide);
                        output::stderr(&format!(
                            "  {WARNING}{}{WARNING:#}  (a to take it)\n",
                            Safe::of(&text)
                        ));
                        instead = Some(vec![text]);
                        value = wide;
                    }
                    None => output::stderr("  there is nothing wider that would be safe\n"),
                },
                "n" | "narrow" => {
                    let texts: Vec<String> = generalize::narrower(entry)
                        .iter()
                        .map(|value| event(entry.section, value))
                        .collect();
                    for text in &texts {
                        output::stderr(&format!("  {GOOD}{}{GOOD:#}\n", Safe::of(text)));
                    }
                    let fleeting = generalize::fleeting(entry).len() as u64;
                    if fleeting > 0 {
                        output::stderr(&format!(
                            "  {WARNING}careful{WARNING:#}: {} with every run and will hardly come again; the policy refuses the next one, which `{}` is open to\n",
                            match fleeting {
                                1 => "1 of these changes".to_owned(),
                                count => format!("{} of these change", output::number(count)),
                            },
                            Safe::of(&name)
                        ));
                    }
                    output::stderr("  (a to take these)\n");
                    instead = Some(texts);
                }
                _ => output::stderr(HELP),
            }
        };
        decisions.0.insert(name, decision);
        save(decisions)?;
    }
    Ok(())
}

fn describe(entry: &Entry<'_>, observed: &Observed, number: usize, of: usize) {
    let mut text = String::new();
    let count: u64 = entry.acts.iter().map(|(_, seen)| seen.count).sum();
    output::line(
        &mut text,
        format_args!(
            "\n{DIM}{number}/{of}{DIM:#}  {STRONG}{}{STRONG:#}",
            Safe::of(&entry.event())
        ),
    );
    if let Some((act, seen)) = entry.acts.first() {
        let seens = entry.acts.iter().map(|(_, seen)| seen);
        let first = seens.clone().map(|seen| seen.first.as_str()).min();
        let last = seens.clone().map(|seen| seen.last.as_str()).max();
        let by: BTreeSet<&str> = seens
            .flat_map(|seen| &seen.processes)
            .map(String::as_str)
            .collect();
        let by: Vec<&str> = by.into_iter().collect();
        output::line(
            &mut text,
            format_args!(
                "  {} between {} and {}, by {}",
                output::counted(count, "time"),
                Safe::of(first.unwrap_or_default()),
                Safe::of(last.unwrap_or_default()),
                Safe::of(&by.join(", "))
            ),
        );
        let example = match seen.command.as_str() {
            "" => act.asked().to_string(),
            command => format!("{}: {command}", act.asked()),
        };
        output::line(
            &mut text,
            format_args!("  {DIM}{}{DIM:#}", Safe::of(&example)),
        );
    }
    if cover::is_rare(observed, entry) {
        let unit = if observed.whole {
            "sandbox"
        } else {
            "invocation"
        };
        output::line(
            &mut text,
            format_args!("  {WARNING}in one {unit} only{WARNING:#}"),
        );
    }
    output::stderr(&text);
}
