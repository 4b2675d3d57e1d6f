//! Two versions of a rule, tried with acts that show where they differ.

use palisade_policy::{Compiled, Identity, Outcome, Policy};
use serde_json::{Value, json};

use super::Way;
use super::rules::{Part, effect, list};
use super::witness::{self, Probe};
use crate::ask;

/// One section of a rule before and after, each by itself: for every function, and preventing.
pub struct Trial<'r> {
    part: &'r Part,
    rules: (&'r Value, &'r Value),
    compiled: Option<(Compiled, Compiled)>,
    /// What any entry of both may be about, and goes another way than before. Made when it is needed.
    changed: Option<Vec<(Probe, Way)>>,
}

impl<'r> Trial<'r> {
    pub fn new(part: &'r Part, old: &'r Value, new: &'r Value) -> Self {
        let ready = |rule| alone(rule, part).map(|policy| compiled(&policy));
        Self {
            part,
            rules: (old, new),
            compiled: ready(old).zip(ready(new)),
            changed: None,
        }
    }

    /// Whether an entry that came or went makes anything go `way`, and what a person should know about it.
    pub fn of(&mut self, entry: &Value, way: Way) -> (Way, String) {
        let examples = witness::acts(self.part.section, entry);
        let Some(first) = examples.first() else {
            return (way, String::new());
        };
        if self.compiled.is_none() {
            return (Way::Neither, String::new());
        }
        let ways: Vec<Option<Way>> = examples.iter().map(|act| self.goes(act)).collect();
        if ways.iter().all(|goes| *goes == Some(way)) {
            return (way, String::new());
        }
        let own = examples
            .iter()
            .zip(&ways)
            .find(|(_, goes)| **goes == Some(way));
        // Others have entries for what comes to mind first, but perhaps not for all.
        if let Some(act) = own
            .map(|(act, _)| act.clone())
            .or_else(|| self.other(entry, way))
        {
            return (way, format!(": for one, {}", act.asked()));
        }
        (Way::Neither, self.still(first))
    }

    /// `None`: the same way as before.
    fn goes(&self, act: &Probe) -> Option<Way> {
        let (old, new) = self.compiled.as_ref()?;
        match (allows(old, act), allows(new, act)) {
            (true, false) => Some(Way::Refuses),
            (false, true) => Some(Way::Allows),
            _ => None,
        }
    }

    /// An act that the entry matches and that goes this way, among those that the other entries are about.
    fn other(&mut self, entry: &Value, way: Way) -> Option<Probe> {
        if self.changed.is_none() {
            let entries = ["allow", "deny"].into_iter().flat_map(|name| {
                [self.rules.0, self.rules.1].map(|rule| list(self.part, rule, name))
            });
            let entries: Vec<&Value> = entries.flatten().collect();
            let changed = witness::all(self.part.section, &entries)
                .into_iter()
                .filter_map(|act| self.goes(&act).map(|way| (act, way)))
                .collect();
            self.changed = Some(changed);
        }
        let mut acts = self
            .changed
            .iter()
            .flatten()
            .filter(|(_, goes)| *goes == way);
        let mut only = json!({"version": 1, "rules": [{}]});
        let mut body = json!({"deny": [entry]});
        for name in self.part.lists.rsplit('/') {
            if name == self.part.effect {
                body["effect"] = "prevent".into();
            }
            body = json!({name: body});
        }
        only["rules"][0] = body;
        let matches = compiled(&parsed(&only)?);
        acts.find(|(act, _)| !allows(&matches, act))
            .map(|(act, _)| act.clone())
    }

    /// Why nothing changes, by an example.
    fn still(&self, act: &Probe) -> String {
        let Some((_, new)) = &self.compiled else {
            return String::new();
        };
        let verdict = act.judge(&new.decider());
        // The rule stands alone here, so that its number would mislead.
        let by = verdict
            .place()
            .map(|place| format!(" by {}", place.trim_start_matches("rules[0].")))
            .unwrap_or_default();
        let what = match verdict.outcome {
            Outcome::Allow => "allowed",
            // What the section does with it is told by its effect, if that is another than before.
            _ => match [self.rules.0, self.rules.1].map(|rule| effect(rule, self.part)) {
                ["prevent", "prevent"] => "refused",
                ["alert", "alert"] => "reported",
                _ => "forbidden",
            },
        };
        format!(": it was {what} before and still is{by}")
    }
}

fn compiled(policy: &Policy) -> Compiled {
    ask::compiled(policy, Identity::default(), None)
}

fn allows(rule: &Compiled, act: &Probe) -> bool {
    act.judge(&rule.decider()).outcome == Outcome::Allow
}

/// The rule by itself, for every function, with the section preventing.
fn alone(rule: &Value, part: &Part) -> Option<Policy> {
    let mut rule = rule.clone();
    let members = rule.as_object_mut()?;
    for key in ["scope", "enabled", "enforce_after"] {
        members.remove(key);
    }
    let section = members.entry(part.effect).or_insert_with(|| json!({}));
    section
        .as_object_mut()?
        .insert("effect".to_owned(), "prevent".into());
    parsed(&json!({"version": 1, "rules": [rule]}))
}

fn parsed(policy: &Value) -> Option<Policy> {
    palisade_policy::parse(policy.to_string().as_bytes())
        .ok()
        .map(|parsed| parsed.policy)
}
