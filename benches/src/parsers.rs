//! The floors of the logs: the same bytes through parsers that others have written and everybody uses, and nothing done with what they find. The whole
//! file is in memory, so that no line is torn and no place is kept.

use std::borrow::Cow;
use std::fs;
use std::process::ExitCode;

use palisade_audit::Borrowed;
use serde::Deserialize;

#[derive(Deserialize)]
struct Events<'a> {
    #[serde(borrow)]
    events: Vec<Event<'a>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// Counts the audits in a log in which every line is one. The process ends with a failure if one is not.
pub fn parse(shape: &str, file: &str) -> ExitCode {
    let text = fs::read_to_string(file).unwrap_or_else(|cause| panic!("{file}: {cause}"));
    let found = match shape {
        "lines" => text.lines().filter(|line| is_audit(line)).count(),
        "tail" => {
            let objects = text.lines().filter_map(|line| line.get(line.find('{')?..));
            objects.filter(|object| is_audit(object)).count()
        }
        "csv" => {
            let mut record = csv::StringRecord::new();
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let mut found = 0;
            while reader.read_record(&mut record).is_ok_and(|any| any) {
                found += usize::from(record.get(1).is_some_and(is_audit));
            }
            found
        }
        _ => serde_json::from_str::<Events<'_>>(&text).map_or(0, |log| {
            log.events
                .iter()
                .filter(|event| is_audit(&event.message))
                .count()
        }),
    };
    println!("{found}");
    if found == 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn is_audit(line: &str) -> bool {
    serde_json::from_str::<Borrowed<'_>>(line).is_ok()
}
