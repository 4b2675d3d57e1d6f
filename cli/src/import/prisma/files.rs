//! `processes` and `filesystem`: names and paths, with stars at their ends, as globs.

use serde_json::{Value, json};

use super::section::{ALLOW, DENY, effect, lists, rest, strings};
use crate::change::exactly;
use crate::import::Notes;

pub(super) fn processes(rule: &mut Value, section: Option<&Value>, place: &str, notes: &mut Notes) {
    let Some(section) = section else { return };
    let known = [
        "effect",
        "defaultEffect",
        "disabled",
        "whitelist",
        "allowedList",
        "blacklist",
        "deniedList",
        "checkCryptoMiners",
        "cryptoMinersEffect",
        "blockAllBinaries",
    ];
    rest(section, &known, place, notes);
    let effect = effect(section, place, notes);
    rule["processes"] = json!({"effect": effect});
    lists(rule, section, ("processes", place), notes, &program);
    note_case(section, place, notes);
    if section.get("checkCryptoMiners") == Some(&Value::Bool(true))
        || section
            .get("cryptoMinersEffect")
            .and_then(Value::as_str)
            .is_some_and(|effect| effect != "disable")
    {
        rule["processes"]["crypto_miners"] = true.into();
    }
    // With a list of programs, that list is what blocks all others.
    if section.get("blockAllBinaries") == Some(&Value::Bool(true))
        && rule["processes"].get("allow").is_none()
    {
        rule["processes"]["main_only"] = true.into();
    }
}

/// A name is any file of that name; a path is that file.
fn program(text: &str) -> Result<Vec<Value>, String> {
    let glob = anchored(wildcards(text)?, text.contains('/'));
    let is_open = text.contains('/') && text.ends_with('*');
    let globs = cased(glob).into_iter();
    Ok(globs
        .flat_map(|glob| {
            // A star goes over slashes there.
            let below = is_open.then(|| Value::from(format!("{glob}/**")));
            [Some(Value::from(glob)), below].into_iter().flatten()
        })
        .collect())
}

/// What begins with a star, which stands for nothing as well, as a path.
fn anchored(glob: String, is_path: bool) -> String {
    match glob.strip_prefix('*') {
        Some(rest) if rest.starts_with('/') => format!("/**{rest}"),
        Some(_) if is_path => format!("/**/{glob}"),
        _ => glob,
    }
}

/// Prisma matches without regard to case, and files differ by it: what was written, and the small letters that nearly every file has.
fn cased(glob: String) -> Vec<String> {
    let small = glob.to_lowercase();
    if small == glob {
        vec![glob]
    } else {
        vec![glob, small]
    }
}

/// Says it where it matters.
fn note_case(section: &Value, place: &str, notes: &mut Notes) {
    let capitals = ALLOW
        .iter()
        .chain(&DENY)
        .flat_map(|key| strings(section, &[key], place))
        .any(|(text, _)| text.chars().any(char::is_uppercase));
    if capitals {
        notes.add(place, "case does not matter there and does here: what has capitals is written in small letters too, and in no other way");
    }
}

pub(super) fn filesystem(
    rule: &mut Value,
    section: Option<&Value>,
    place: &str,
    notes: &mut Notes,
) {
    let Some(section) = section else { return };
    let known = [
        "effect",
        "defaultEffect",
        "disabled",
        "whitelist",
        "allowedList",
        "blacklist",
        "deniedList",
    ];
    rest(section, &known, place, notes);
    let effect = effect(section, place, notes);
    rule["filesystem"] = json!({"effect": effect});
    lists(rule, section, ("filesystem", place), notes, &|text| {
        let text = text.trim_end_matches('/');
        let glob = match anchored(wildcards(text)?, true) {
            glob if glob.starts_with('/') => glob,
            name => format!("/**/{name}"),
        };
        // A directory is everything below it.
        let globs = cased(glob).into_iter();
        Ok(globs
            .flat_map(|glob| [glob.clone().into(), format!("{glob}/**").into()])
            .collect())
    });
    note_case(section, place, notes);
}

/// `*` at either end, and nothing else that a glob would take for more than itself.
fn wildcards(text: &str) -> Result<String, String> {
    let (start, rest) = match text.strip_prefix('*') {
        Some(rest) => ("*", rest),
        None => ("", text),
    };
    let (rest, end) = match rest.strip_suffix('*') {
        Some(rest) => (rest, "*"),
        None => (rest, ""),
    };
    if rest.contains('*') {
        return Err(format!(
            "\"{text}\": a wildcard stands at the start or the end"
        ));
    }
    Ok(format!("{start}{}{end}", exactly(rest)))
}
