//! Counts, in memory that does not grow with the log.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use palisade_audit::Borrowed;
use serde_json::{Value, json};

use super::chart;
use super::fields::Field;
use crate::moment;
use crate::output::{self, DIM, Page, STRONG};
use crate::spread;

/// So many different values are told apart. Beyond it the rarest half is forgotten, so that a program which asks for a million names does not
/// take a gigabyte here.
const VALUES: usize = 1 << 16;
/// So many columns of time are kept, and shown at most.
const COLUMNS: usize = 4096;
const SHOWN: usize = 24;

/// How often each value was seen.
#[derive(Default)]
pub struct Counter {
    counts: HashMap<String, u64>,
    /// The last value, and how often it came in a row: most fields say the same again and again.
    last: String,
    row: u64,
    /// Values that were forgotten, and what they came to.
    forgotten: (usize, u64),
}

impl Counter {
    pub fn add(&mut self, value: &str, count: u64) {
        if self.row > 0 && self.last == value {
            self.row += count;
            return;
        }
        self.end_row();
        self.last.clear();
        self.last.push_str(value);
        self.row = count;
    }

    fn end_row(&mut self) {
        let count = std::mem::take(&mut self.row);
        if count == 0 {
            return;
        }
        if let Some(known) = self.counts.get_mut(self.last.as_str()) {
            *known += count;
            return;
        }
        self.counts.insert(self.last.clone(), count);
        if self.counts.len() > VALUES {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        counts.sort_unstable();
        let median = counts.get(counts.len() / 2).copied().unwrap_or(0);
        // Where most are equal, half of these has to go as well.
        let mut room = VALUES / 2;
        let forgotten = &mut self.forgotten;
        self.counts.retain(|_, count| {
            let keep = *count > median && room > 0;
            if keep {
                room -= 1;
            } else {
                forgotten.0 += 1;
                forgotten.1 += *count;
            }
            keep
        });
    }

    /// The most frequent, and how many others there are and what they come to.
    pub fn top(&mut self, number: usize) -> (Vec<(String, u64)>, (usize, u64)) {
        self.end_row();
        let mut rows: Vec<(&String, &u64)> = self.counts.iter().collect();
        rows.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        let rest = rows.get(number..).unwrap_or_default();
        let rest = (
            rest.len() + self.forgotten.0,
            rest.iter().map(|(_, count)| **count).sum::<u64>() + self.forgotten.1,
        );
        let rows = rows
            .into_iter()
            .take(number)
            .map(|(value, count)| (value.clone(), *count))
            .collect();
        (rows, rest)
    }

    fn json(&mut self, number: usize) -> Value {
        let (rows, (values, count)) = self.top(number);
        json!({
            "top": rows.iter().map(|(value, count)| json!({"value": value, "count": count})).collect::<Vec<_>>(),
            "more": {"values": values, "count": count},
        })
    }
}

/// `--group-by`
pub struct Groups {
    fields: Vec<Field>,
    counter: Counter,
    total: u64,
}

impl Groups {
    pub fn new(fields: Vec<Field>) -> Self {
        Self {
            fields,
            counter: Counter::default(),
            total: 0,
        }
    }

    pub fn take(&mut self, audit: &Borrowed<'_>) {
        let count = crate::log::events(audit);
        self.total += count;
        let values: Vec<Cow<'_, str>> = self
            .fields
            .iter()
            .map(|field| match field.of(audit) {
                value if value.is_empty() => "(none)".into(),
                value => value,
            })
            .collect();
        self.counter.add(&values.join("  "), count);
    }

    fn title(&self) -> String {
        let names: Vec<&str> = self.fields.iter().map(|field| field.name()).collect();
        names.join(", ")
    }

    pub fn text(&mut self, top: usize, page: &mut Page) {
        page.line(output::counted(self.total, "event"));
        let (rows, rest) = self.counter.top(top);
        chart::table(page, &format!("By {}", self.title()), &rows, rest);
    }

    pub fn json(&mut self, top: usize) -> Value {
        json!({"events": self.total, "by": self.title(), "groups": self.counter.json(top)})
    }
}

/// `--summary`
#[derive(Default)]
pub struct Summary {
    audits: u64,
    events: u64,
    first: Option<i64>,
    last: Option<i64>,
    tables: [Counter; TABLES.len()],
    time: Timeline,
}

/// The title of a table, and what of an audit goes into it.
type Table = (&'static str, for<'a> fn(&'a Borrowed<'_>) -> Cow<'a, str>);

/// The tables, in order.
const TABLES: [Table; 10] = [
    ("Effects", |audit| {
        audit.effect.as_deref().unwrap_or("notice").into()
    }),
    ("Reasons", |audit| Field::Attack.of(audit)),
    ("Functions", |audit| Field::Function.of(audit)),
    ("Rules", |audit| Field::Rule.of(audit)),
    ("Acting programs", |audit| Field::Process.of(audit)),
    ("Programs that were to run", |audit| of(audit, "process")),
    ("Names", |audit| of(audit, "dns")),
    ("Addresses and ports", |audit| of(audit, "network")),
    ("Files", |audit| of(audit, "filesystem")),
    ("ATT&CK techniques", |audit| Field::Technique.of(audit)),
];

fn of<'a>(audit: &'a Borrowed<'_>, kind: &str) -> Cow<'a, str> {
    if audit.kind == *kind {
        Field::Target.of(audit)
    } else {
        "".into()
    }
}

impl Summary {
    pub fn take(&mut self, audit: &Borrowed<'_>) {
        let count = crate::log::events(audit);
        self.audits += 1;
        self.events += count;
        if let Some(at) = moment::micros(&audit.timestamp) {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
            self.time.add(at, count);
        }
        for ((_, value), counter) in TABLES.iter().zip(&mut self.tables) {
            let value = value(audit);
            if !value.is_empty() {
                counter.add(&value, count);
            }
        }
    }

    pub fn text(&mut self, top: usize, page: &mut Page) {
        let mut head = format!(
            "{STRONG}{}{STRONG:#}, {}",
            output::counted(self.audits, "audit"),
            output::counted(self.events, "event")
        );
        if let (Some(first), Some(last)) = (self.first, self.last) {
            head.push_str(&format!(
                ", {DIM}{} to {} UTC{DIM:#}",
                moment::text(first),
                moment::text(last)
            ));
        }
        page.line(head);
        for ((title, _), counter) in TABLES.iter().zip(&mut self.tables) {
            let (rows, rest) = counter.top(top);
            if !rows.is_empty() {
                chart::table(page, title, &rows, rest);
            }
        }
        let (mut rows, before, after) = self.time.rows();
        let far = before.lines + after.lines;
        for (side, place, name) in [(before, 0, "before"), (after, rows.len() + 1, "after")] {
            if side.lines > 0 {
                rows.insert(place.min(rows.len()), (name.to_owned(), side.count));
            }
        }
        if !rows.is_empty() {
            chart::table(page, "Over time (UTC)", &rows, (0, 0));
        }
        if far > 0 {
            page.line(format_args!(
                "  {DIM}{} of a time far from all others: forged, or of a clock that was wrong{DIM:#}",
                output::counted(far, "audit")
            ));
        }
    }

    pub fn json(&mut self, top: usize) -> Value {
        let tables: serde_json::Map<String, Value> = TABLES
            .iter()
            .zip(&mut self.tables)
            .map(|((title, _), counter)| ((*title).to_owned(), counter.json(top)))
            .collect();
        let (rows, before, after) = self.time.rows();
        let moment = |at: Option<i64>| at.map(|at| moment::format(at, "%Y-%m-%dT%H:%M:%SZ"));
        json!({
            "audits": self.audits,
            "events": self.events,
            "first": moment(self.first),
            "last": moment(self.last),
            "tables": tables,
            "time": rows.iter().map(|(from, count)| json!({"from": from, "count": count})).collect::<Vec<_>>(),
            "before": before.count,
            "after": after.count,
        })
    }
}

/// What lies in a part of time: lines, and the events that they say they stand for.
#[derive(Clone, Copy, Default)]
struct Tally {
    lines: u64,
    count: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.count += other.count;
    }
}

/// Counts over time, in columns that become wider as the time becomes longer.
#[derive(Default)]
struct Timeline {
    /// Into [`WIDTHS`].
    width: usize,
    columns: BTreeMap<i64, Tally>,
    /// What was far from all else when there were too many columns.
    before: Tally,
    after: Tally,
}

/// Seconds of a column: from one to thirty days.
const WIDTHS: [i64; 11] = [
    1, 10, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 604_800, 2_592_000,
];

impl Timeline {
    fn add(&mut self, micros: i64, count: u64) {
        let column = micros.div_euclid(self.step() * 1_000_000);
        self.columns
            .entry(column)
            .or_default()
            .add(Tally { lines: 1, count });
        while self.columns.len() > COLUMNS && self.width + 1 < WIDTHS.len() {
            let (inside, before, after) = self.parted();
            // Not for a few: each look at all of them has to make room for many.
            if inside.len() <= COLUMNS / 4 * 3 {
                self.columns = inside;
                self.before = before;
                self.after = after;
            } else {
                let old = self.step();
                self.width += 1;
                self.columns = wider(&self.columns, old, self.step());
            }
        }
    }

    fn step(&self) -> i64 {
        WIDTHS.get(self.width).copied().unwrap_or(2_592_000)
    }

    /// The columns in which nearly all lies, and what lies before and after these.
    fn parted(&self) -> (BTreeMap<i64, Tally>, Tally, Tally) {
        let (mut inside, mut before, mut after) = (self.columns.clone(), self.before, self.after);
        let micros = self.step() * 1_000_000;
        let moments: Vec<(i64, u64)> = inside
            .iter()
            .map(|(column, tally)| (column * micros, tally.lines))
            .collect();
        if let Some(shown) = spread::shown(&moments) {
            inside.retain(|column, tally| {
                let at = *column * micros;
                if at < *shown.start() {
                    before.add(*tally);
                } else if at > *shown.end() {
                    after.add(*tally);
                }
                shown.contains(&at)
            });
        }
        (inside, before, after)
    }

    /// At most [`SHOWN`] columns, those without anything too, and what lies before and after them.
    fn rows(&self) -> (Vec<(String, u64)>, Tally, Tally) {
        let (columns, before, after) = self.parted();
        let (Some((first, _)), Some((last, _))) =
            (columns.first_key_value(), columns.last_key_value())
        else {
            return (Vec::new(), before, after);
        };
        let step = self.step();
        let (first, last) = (first * step, (last + 1) * step);
        let wide = WIDTHS
            .into_iter()
            .find(|width| {
                *width >= step
                    && (last - 1).div_euclid(*width) - first.div_euclid(*width) < SHOWN as i64
            })
            .unwrap_or(((last - first) / SHOWN as i64 + 1).max(2_592_000));
        let columns = wider(&columns, step, wide);
        let format = match wide {
            0..60 => "%Y-%m-%d %H:%M:%S",
            60..86_400 => "%Y-%m-%d %H:%M",
            _ => "%Y-%m-%d",
        };
        let rows = (first.div_euclid(wide)..=(last - 1).div_euclid(wide))
            .map(|column| {
                (
                    moment::format(column * wide * 1_000_000, format),
                    columns.get(&column).map_or(0, |tally| tally.count),
                )
            })
            .collect();
        (rows, before, after)
    }
}

fn wider(columns: &BTreeMap<i64, Tally>, old: i64, new: i64) -> BTreeMap<i64, Tally> {
    let mut wide: BTreeMap<i64, Tally> = BTreeMap::new();
    for (column, tally) in columns {
        wide.entry((column * old).div_euclid(new))
            .or_default()
            .add(*tally);
    }
    wide
}
