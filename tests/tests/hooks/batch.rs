//! Many calls in one start of frame.c, which takes long where the machine is emulated. Each call has a story of its own all the same: one that
//! ends its process ends no other call, for the program is started again behind it.

use std::collections::BTreeMap;

use palisade_audit::Owned;
use palisade_tests::{Log, Outcome, Run, compile, policy, records};
use serde_json::Value;

use crate::cases::Case;
use crate::rows::{Row, rows, source};

/// One call of frame.c.
pub struct Call<'a> {
    pub row: &'a Row,
    /// `main`, `fork` or `vfork`: in which process.
    pub place: &'a str,
    /// KEY=VALUE.
    pub arguments: Vec<String>,
}

/// What became of one call.
#[derive(Debug, PartialEq, Eq)]
pub struct Story {
    /// All that was said while it was made.
    pub said: String,
    /// How its process ended, if nothing came behind the call.
    pub ended: Option<i32>,
}

/// What became of many.
#[derive(Default)]
pub struct Stories {
    /// In the order of the calls.
    pub each: Vec<Story>,
    /// The number of the process that each story began in.
    pub ids: Vec<u32>,
    pub audits: Vec<Owned>,
    /// What else was written to standard error.
    pub errors: String,
}

/// How the program is run that makes the calls.
pub struct Start<'a> {
    /// How it is compiled.
    pub way: &'a [&'a str],
    /// What the sections of the policy are; `None`: without the library.
    pub sections: Option<&'a Value>,
    pub log: Log,
    /// What starts it.
    pub under: Vec<&'a str>,
    pub variables: &'a [(&'a str, &'a str)],
}

impl<'a> Start<'a> {
    pub fn new(way: &'a [&'a str], sections: Option<&'a Value>) -> Self {
        Self {
            way,
            sections,
            log: Log::File,
            under: vec![],
            variables: &[],
        }
    }

    /// Makes the calls one after the other, in one start and one more behind each call that its process did not survive.
    pub fn make(&self, calls: &[Call]) -> Stories {
        let mut stories = Stories::default();
        while let Some(rest) = calls
            .get(stories.each.len()..)
            .filter(|rest| !rest.is_empty())
        {
            let outcome = self.run(rest).go();
            stories.take(&outcome, rest.len());
        }
        stories
    }

    fn run(&self, calls: &[Call]) -> Run {
        let mut words = String::new();
        for call in calls {
            for word in [call.row.symbol, call.place]
                .into_iter()
                .chain(call.arguments.iter().map(String::as_str))
                .chain(["--"])
            {
                words.push_str(word);
                words.push('\0');
            }
        }
        let run = Run::new(compile(&source(), self.way))
            .file("calls", words)
            .args(["--from", "calls"]);
        let run = run.log(self.log).under(&self.under).within(600);
        let run = self
            .variables
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value));
        match self.sections {
            Some(sections) => run.policy(&policy(sections.clone())),
            None => run.without_library(),
        }
    }
}

impl Stories {
    fn take(&mut self, outcome: &Outcome, most: usize) {
        let before = self.each.len();
        let (mut said, mut is_over) = (None::<String>, false);
        for line in outcome.text().lines() {
            let number = line
                .strip_prefix("call ")
                .and_then(|number| number.parse().ok());
            if number == Some(self.each.len() - before + usize::from(said.is_some()))
                || line == "end"
            {
                self.each
                    .extend(said.take().map(|said| Story { said, ended: None }));
                is_over = line == "end";
                said = (!is_over).then(String::new);
            } else if line.starts_with('{') {
                // Where the log is closed, the records come here, at any time.
                continue;
            } else if let Some(said) = &mut said {
                said.push_str(line);
                said.push('\n');
            }
        }
        let ended = Some(outcome.code());
        self.each.extend(said.map(|said| Story { said, ended }));
        let made = self.each.len() - before;
        let is_whole = if is_over {
            made == most && ended == Some(0)
        } else {
            made > 0
        };
        assert!(is_whole, "{made} of {most} calls: {}", outcome.story());
        self.ids.resize(self.each.len(), outcome.id);
        let is_record = |line: &&[u8]| line.starts_with(b"{");
        let told: Vec<&[u8]> = outcome
            .stderr
            .split_inclusive(|byte| *byte == b'\n')
            .filter(is_record)
            .collect();
        self.audits.extend(
            records(&outcome.log)
                .into_iter()
                .chain(records(&told.concat())),
        );
        let errors = outcome.errors();
        self.errors.extend(
            errors
                .split_inclusive('\n')
                .filter(|line| !line.starts_with('{')),
        );
    }
}

/// The cases that can be asked of one process: what forbids one leaves the others alone, and each record is known for whose it is.
pub fn batches<'a>(cases: impl IntoIterator<Item = (&'a Row, Case)>) -> Vec<Vec<(&'a Row, Case)>> {
    let mut all: BTreeMap<_, Vec<Vec<(&Row, Case)>>> = BTreeMap::new();
    for (row, case) in cases {
        // A program that is asked for by another of its names is none that is looked for in vain, but no new event either.
        let is_searched = case.arguments.iter().any(|word| word == "base=echo");
        let same_kind = all
            .entry((shape(&case.sections), case.is_offline, is_searched))
            .or_default();
        let has_room =
            |batch: &&mut Vec<(&Row, Case)>| batch.iter().all(|(_, other)| other.mark != case.mark);
        match same_kind.iter_mut().find(has_room) {
            Some(batch) => batch.push((row, case)),
            None => same_kind.push(vec![(row, case)]),
        }
    }
    all.into_values().flatten().collect()
}

/// The sections without what they deny.
fn shape(sections: &Value) -> String {
    let mut shape = sections.clone();
    denied(&mut shape, &mut |list| list.clear());
    shape.to_string()
}

/// Sections that deny what each of these does; they have the same shape.
pub fn merged<'a>(all: impl IntoIterator<Item = &'a Value>) -> Value {
    let mut all = all.into_iter();
    let mut merged = all.next().cloned().unwrap_or_default();
    let mut more = Vec::new();
    for sections in all {
        denied(&mut sections.clone(), &mut |list| more.append(list));
    }
    denied(&mut merged, &mut |list| {
        more.retain(|entry| !list.contains(entry));
        list.append(&mut more);
    });
    merged
}

fn denied(value: &mut Value, with: &mut impl FnMut(&mut Vec<Value>)) {
    let Some(object) = value.as_object_mut() else {
        return;
    };
    for (key, value) in object {
        match value {
            Value::Array(list) if key == "deny" => with(list),
            _ => denied(value, with),
        }
    }
}

#[test]
fn a_call_that_ends_its_process_hides_no_other() {
    let call = |symbol, place, arguments: &[&str]| Call {
        row: rows().find(|row| row.symbol == symbol).expect("a row"),
        place,
        arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
    };
    let opens = call("open", "main", &["path=/dev/null"]);
    // Of fortify: to create without a mode is the end (SIGABRT).
    let aborts = call("__open_2", "main", &["path=/dev/null", "flags=0102"]);
    let exits = |place| call("_exit", place, &[]);
    let calls = [
        opens,
        aborts,
        exits("main"),
        exits("fork"),
        call("open", "main", &[]),
    ];
    let stories = Start::new(&["-O0"], None).make(&calls);
    let ended: Vec<Option<i32>> = stories.each.iter().map(|story| story.ended).collect();
    assert_eq!(ended, [None, Some(-6), Some(7), None, None]);
    let said = |index: usize| &*stories.each[index].said;
    assert!(
        said(0).starts_with("result descriptor errno 4242\nopened 3 "),
        "{}",
        said(0)
    );
    // Neither the path nor the descriptor of the first.
    assert_eq!(
        (said(3), said(4)),
        ("child exited 7\n", "result -1 errno 2\n")
    );
    assert!(stories.ids[1] != stories.ids[2] && stories.ids[3] == stories.ids[4]);
}
