//! The one table that all figures end up in.

use std::fs;

use serde_json::{Value, json};

use crate::place::folder;

/// A median and its quartiles.
#[derive(Clone, Copy)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    /// Of a sample.
    pub fn of(mut sample: Vec<f64>) -> Self {
        sample.sort_by(f64::total_cmp);
        let at = |part: usize| {
            sample
                .get((sample.len().saturating_sub(1)) * part / 4)
                .copied()
                .unwrap_or(f64::NAN)
        };
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }

    /// Of ratios of pairs.
    pub fn ratio(with: &[f64], without: &[f64]) -> Self {
        Self::of(with.iter().zip(without).map(|(a, b)| a / b).collect())
    }

    /// Of differences of pairs.
    pub fn difference(with: &[f64], without: &[f64]) -> Self {
        Self::of(with.iter().zip(without).map(|(a, b)| a - b).collect())
    }
}

/// The median of a sample.
pub fn median(sample: &[f64]) -> f64 {
    Spread::of(sample.to_vec()).median
}

/// One figure.
pub struct Row {
    group: String,
    what: String,
    setting: String,
    /// The plain values, with their unit, for the reader's idea of size.
    without: Option<f64>,
    with: Option<f64>,
    unit: &'static str,
    /// The figure that counts, and what it is.
    kind: &'static str,
    figure: Spread,
    /// The most that it may be, or the least where it has to be as much.
    budget: Option<f64>,
    is_least: bool,
    met: Option<bool>,
    /// The least, or the most, that it can be, as far as that is measured.
    floor: Option<f64>,
    /// The row that it is of: what, and setting.
    floor_of: Option<[String; 2]>,
}

/// All figures.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    group: String,
    /// What could not be measured here, and why.
    missing: Vec<String>,
}

impl Table {
    /// The group of the rows that follow.
    pub fn begin(&mut self, group: &str) {
        group.clone_into(&mut self.group);
    }

    /// Something cannot be measured here.
    pub fn missing(&mut self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("  left out: {what}");
        self.missing.push(what);
    }

    /// Pairs of runs with and without: how many times as much.
    pub fn ratio(
        &mut self,
        what: &str,
        setting: &str,
        unit: &'static str,
        (with, without): (&[f64], &[f64]),
        budget: Option<f64>,
    ) {
        let figure = Spread::ratio(with, without);
        self.row(
            what,
            setting,
            unit,
            (Some(median(with)), Some(median(without))),
            "×",
            figure,
            budget,
        );
    }

    /// Pairs of runs with and without: how much more.
    pub fn difference(
        &mut self,
        what: &str,
        setting: &str,
        unit: &'static str,
        (with, without): (&[f64], &[f64]),
        budget: Option<f64>,
    ) {
        let figure = Spread::difference(with, without);
        self.row(
            what,
            setting,
            unit,
            (Some(median(with)), Some(median(without))),
            "+",
            figure,
            budget,
        );
    }

    /// A value that nothing stands against.
    pub fn value(
        &mut self,
        what: &str,
        setting: &str,
        unit: &'static str,
        figure: Spread,
        budget: Option<f64>,
    ) {
        self.row(what, setting, unit, (None, None), "", figure, budget);
    }

    /// A value of which there has to be as much.
    pub fn at_least(
        &mut self,
        what: &str,
        setting: &str,
        unit: &'static str,
        figure: Spread,
        least: f64,
    ) {
        self.row(what, setting, unit, (None, None), "", figure, Some(least));
        if let Some(row) = self.rows.last_mut() {
            row.is_least = true;
            row.met = Some(figure.median >= least);
        }
    }

    /// Rows of this group that cannot be below another one: what the other does is what these cannot leave out.
    pub fn floor(&mut self, what: &str, settings: &[&str], (of, setting): (&str, &str)) {
        let is_here = |row: &&Row| row.group == self.group && row.what == of;
        let mut rows = self.rows.iter().filter(is_here);
        let Some(floor) = rows.find(|row| row.setting == setting) else {
            return;
        };
        let (kind, least) = (floor.kind, floor.figure.median);
        for row in &mut self.rows {
            let is_meant = row.what == what && settings.contains(&&*row.setting);
            if row.group == self.group && row.kind == kind && is_meant && row.budget.is_some() {
                row.floor = Some(least);
                row.floor_of = Some([of.to_owned(), setting.to_owned()]);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a row has as many columns")]
    fn row(
        &mut self,
        what: &str,
        setting: &str,
        unit: &'static str,
        (with, without): (Option<f64>, Option<f64>),
        kind: &'static str,
        figure: Spread,
        budget: Option<f64>,
    ) {
        self.rows.push(Row {
            group: self.group.clone(),
            what: what.to_owned(),
            setting: setting.to_owned(),
            without,
            with,
            unit,
            kind,
            figure,
            budget,
            is_least: false,
            met: budget.map(|budget| figure.median <= budget),
            floor: None,
            floor_of: None,
        });
    }

    /// All of it, as one process hands it to another.
    pub fn into_value(self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "group": row.group, "what": row.what, "setting": row.setting, "unit": row.unit,
                    "without": row.without, "with": row.with,
                    "kind": match row.kind { "×" => "ratio", "+" => "difference", _ => "value" },
                    "median": row.figure.median, "low": row.figure.low, "high": row.figure.high,
                    "budget": row.budget, "least": row.is_least, "met": row.met, "floor": row.floor, "floor_of": row.floor_of,
                })
            })
            .collect();
        json!({ "rows": rows, "missing": self.missing })
    }
}

/// The results of all groups.
#[derive(Default)]
pub struct Results {
    rows: Vec<Value>,
    missing: Vec<Value>,
}

impl Results {
    /// Takes what [`Table::into_value`] gave.
    pub fn add(&mut self, table: &Value) {
        let list = |name: &str| table[name].as_array().cloned().unwrap_or_default();
        self.rows.extend(list("rows"));
        self.missing.extend(list("missing"));
    }

    /// A group that could not be measured.
    pub fn fail(&mut self, why: String) {
        self.missing.push(Value::from(why));
    }

    /// To standard output.
    pub fn print(&self) {
        let mut group = "";
        for row in &self.rows {
            let text = |name: &str| row[name].as_str().unwrap_or_default();
            if text("group") != group {
                group = text("group");
                println!(
                    "\n{group:<28} {:<22} {:>12} {:>12}      {:>10}  {:<20} {:>9}",
                    "", "without", "with", "median", "quartiles", "budget"
                );
            }
            let show = |name: &str| row[name].as_f64().map_or_else(String::new, number);
            println!(
                "  {:<26} {:<22} {:>12} {:>12} {:<3} {:>1}{:>10}  {:<20} {:>9} {}{}",
                text("what"),
                text("setting"),
                show("without"),
                show("with"),
                text("unit"),
                match text("kind") {
                    "ratio" => "×",
                    "difference" => "+",
                    _ => "",
                },
                show("median"),
                format!("[{} … {}]", show("low"), show("high")),
                show("budget"),
                match row["met"].as_bool() {
                    None => "",
                    Some(true) => "ok",
                    Some(false) => "OVER",
                },
                over_floor(row).map_or_else(String::new, |floor| format!(", floor {floor}"))
            );
        }
        for what in &self.missing {
            println!("\nleft out: {}", what.as_str().unwrap_or_default());
        }
        println!("\n{}", budgets(&self.rows));
    }

    /// To `target/bench/results.json`.
    pub fn write(&self, quick: bool) {
        let all = json!({
            "quick": quick, "machine": machine(), "rows": self.rows, "missing": self.missing,
        });
        let path = folder().join("results.json");
        match fs::write(&path, format!("{all:#}\n")) {
            Ok(()) => println!("{}", path.display()),
            Err(cause) => eprintln!("{}: {cause}", path.display()),
        }
    }
}

/// Of two tables of the same rows, each row from the one in which its work took less: of ratios and differences that without us.
pub fn quieter(mut one: Value, other: &Value) -> Value {
    let time = |row: &Value| {
        let name = if row["without"].is_number() {
            "without"
        } else {
            "median"
        };
        let value = row[name].as_f64().unwrap_or(f64::INFINITY);
        if row["unit"] == "MB/s" { -value } else { value }
    };
    let others = other["rows"].as_array().map_or(&[][..], Vec::as_slice);
    for row in one["rows"].as_array_mut().into_iter().flatten() {
        let is_same = |other: &&Value| {
            ["what", "setting", "kind"]
                .iter()
                .all(|name| other[name] == row[name])
        };
        if let Some(other) = others.iter().find(is_same)
            && time(other) < time(row)
        {
            row.clone_from(other);
        }
    }
    // A floor may have been lower in the other one.
    let rows = one["rows"].as_array().cloned().unwrap_or_default();
    for row in one["rows"].as_array_mut().into_iter().flatten() {
        let is_floor = |other: &&Value| {
            let of = &row["floor_of"];
            other["what"] == of[0] && other["setting"] == of[1] && other["kind"] == row["kind"]
        };
        if let Some(floor) = rows.iter().find(is_floor) {
            row["floor"] = floor["median"].clone();
        }
    }
    one
}

/// The floor of a row that is over its budget.
pub fn over_floor(row: &Value) -> Option<String> {
    let floor = row["floor"].as_f64().filter(|_| row["met"] == false)?;
    Some(number(floor))
}

/// How many of the budgets are met, and how many are below what can be.
pub fn budgets(rows: &[Value]) -> String {
    let judged: Vec<&Value> = rows.iter().filter(|row| row["met"].is_boolean()).collect();
    let over: Vec<&&Value> = judged.iter().filter(|row| row["met"] == false).collect();
    let is_below_floor = |row: &&&&Value| match (row["floor"].as_f64(), row["budget"].as_f64()) {
        (Some(floor), Some(budget)) if row["least"] == true => floor < budget,
        (floor, budget) => floor > budget,
    };
    format!(
        "{} budgets, of which {} are not met; the floors of {} of those are over them, too",
        judged.len(),
        over.len(),
        over.iter().filter(is_below_floor).count()
    )
}

/// What it was measured on.
fn machine() -> Value {
    let line = |file: &str, start: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let found = text.lines().find(|line| line.starts_with(start));
        let value = found.and_then(|line| line.split_once([':', '=']));
        value.map_or_else(String::new, |(_, value)| {
            value.trim().trim_matches('"').to_owned()
        })
    };
    json!({
        "processor": line("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "system": line("/etc/os-release", "PRETTY_NAME"),
    })
}

/// Three digits that count, whatever the size.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1000.0 {
        let digits = format!("{value:.0}");
        let (sign, digits) = digits
            .strip_prefix('-')
            .map_or(("", &*digits), |d| ("-", d));
        let mut grouped = String::new();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        format!("{sign}{grouped}")
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}
