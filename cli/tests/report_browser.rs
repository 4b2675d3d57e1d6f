//! `palisade report` in a real browser: by keyboard, on a phone, in the dark, and with more audits than anybody reads.

#[path = "common/browser.rs"]
mod browser;
mod common;
#[path = "common/samples.rs"]
mod samples;

use browser::{Browser, installed};
use common::{Folder, done, palisade};
use palisade_audit::Access;
use palisade_policy::Reason;
use samples::{Speaker, forged, many, mixed};
use serde_json::{Value, json};

const PAY: Speaker = Speaker::PAY;

const POLICY: &str = r#"{"version": 1, "rules": [{"name": "payments",
  "processes": {"effect": "prevent", "main_only": true},
  "network": {"effect": "prevent", "outbound": {"allow": ["10.0.0.0/8:443"]}, "listen": {"deny": ["1-65535"]}},
  "dns": {"effect": "prevent", "allow": ["*.example.com"], "deny": ["never.example.com"]},
  "filesystem": {"effect": "prevent", "deny": ["/proc/*/environ"]}}]}"#;

/// The page of a log, with the policy beside it.
fn page(log: &str) -> (Folder, std::path::PathBuf) {
    let folder = Folder::new();
    folder.file("log", log);
    folder.file("policy.json", POLICY);
    let words = [
        "report",
        "log",
        "--policy",
        "policy.json",
        "-o",
        "report.html",
    ];
    let result = done(palisade(words).current_dir(folder.path()));
    assert_eq!(result.code, Some(0), "{result:?}");
    let file = folder.path().join("report.html");
    (folder, file)
}

/// What a function might leave behind in a day, and what an attacker might.
fn log() -> String {
    let mut log = mixed();
    for number in 0..400_u32 {
        let pay = PAY.at(i64::from(number) * 97);
        log.push_str(&match number % 5 {
            0 => pay.resolve(&format!("n{}.example.org", number % 17)),
            1 => pay.of("report-daily").connect(&format!("198.51.100.{}:443", number % 11)),
            2 => pay.alerts().exec("/usr/bin/dash", &format!("sh -c {number}"), Reason::UnexpectedProcess),
            3 => pay.of("a-function-with-a-name-as-long-as-a-name-may-be-which-is-sixty-four").open(
                "/var/task/a/rather/deep/folder/with/a/long/name/and/no/end/to/it/that/has/to/be/shown/somewhere.json",
                Access::Write,
                Reason::Unlisted,
            ),
            _ => pay.listen(1024 + u16::try_from(number).expect("a port")),
        });
    }
    log + &forged().concat()
}

/// The number of audits that the page says it shows.
fn total(browser: &mut Browser) -> String {
    browser.text("document.getElementById('totals').textContent.split(' audit')[0]")
}

/// Whoever looks at the page sees what the filters leave.
const SEARCH: &str = "document.getElementById('search')";

#[test]
fn a_person_finds_every_audit_by_keyboard_alone() {
    if !installed() {
        return;
    }
    let (_folder, file) = page(&log());
    let mut browser = Browser::start();
    browser.size(1400, 900, false);
    browser.open(&file);
    let all = total(&mut browser);

    // Past everything to the list, by the first stop of Tab.
    browser.press("Tab");
    assert_eq!(
        browser.text("document.activeElement.textContent"),
        "Skip to the audits"
    );
    browser.press("Enter");
    browser.until("document.activeElement.id === 'list'");
    // To the last one, and into it; nothing between is out of reach.
    browser.press("End");
    let last = browser.value(
        "Number(document.querySelector('[aria-selected=true]').getAttribute('aria-posinset'))",
    );
    let size = browser.value(
        "Number(document.querySelector('[aria-selected=true]').getAttribute('aria-setsize'))",
    );
    assert_eq!(last, size);
    assert_eq!(all.replace(',', ""), size.to_string());
    for key in ["PageUp", "ArrowUp", "ArrowDown", "Home"] {
        browser.press(key);
    }
    assert_eq!(
        browser.value("document.getElementById('list').scrollTop"),
        0
    );
    browser.press("Enter");
    let detail = browser.text("document.getElementById('detail').innerText");
    for part in [
        "2023-11-14T22:13:20.123456Z",
        "yahoo.com",
        "unlisted-domain",
        "payments",
        "/usr/bin/python3.12",
        "rules[0].dns.allow",
    ] {
        assert!(detail.contains(part), "{part} is not in {detail}");
    }

    // A word, from wherever one is.
    browser.press("/");
    assert_eq!(browser.text("document.activeElement.id"), "search");
    browser.type_in("n4.example.org");
    browser.until("document.getElementById('totals').textContent.startsWith('5 audits')");
    // Its letters go into the search, and no further.
    browser.press("/");
    assert_eq!(browser.text(&format!("{SEARCH}.value")), "n4.example.org/");
    browser.press("Escape");
    browser.until(&format!("{SEARCH}.value === ''"));
    assert_eq!(total(&mut browser), all);

    // A bar is a filter; the focus stays on it, so that it can be taken away again.
    browser.value("document.querySelector('#facets button').focus()");
    browser.press("Tab");
    let name = browser.text("document.activeElement.title");
    browser.press(" ");
    assert_eq!(browser.text("document.activeElement.title"), name);
    assert_eq!(
        browser.value("document.activeElement.getAttribute('aria-pressed')"),
        "true"
    );
    assert_ne!(total(&mut browser), all);
    browser.press(" ");
    assert_eq!(total(&mut browser), all);

    // One stop for all of time, and arrows within it.
    browser.value("document.querySelector('#timeline button').focus()");
    browser.press("ArrowRight");
    browser.press("ArrowLeft");
    browser.press("Enter");
    assert_ne!(total(&mut browser), all);
    assert_eq!(
        browser.value("document.activeElement.parentElement.id"),
        "timeline"
    );
    browser.press("Escape");
    assert_eq!(total(&mut browser), all);

    // The policy: what decided, and what never did.
    let entries = browser.value("document.querySelectorAll('#entries button').length");
    browser.value("document.getElementById('unfired').focus()");
    browser.press(" ");
    let never = browser.text("document.getElementById('entries').innerText");
    assert!(
        never.contains("never.example.com") && !never.contains("main_only"),
        "{never}"
    );
    assert!(
        browser
            .value("document.querySelectorAll('#entries button').length")
            .as_u64()
            < entries.as_u64()
    );
}

#[test]
fn nothing_is_loaded_and_nothing_out_of_the_log_becomes_markup() {
    if !installed() {
        return;
    }
    let (_folder, file) = page(&log());
    let mut browser = Browser::start();
    browser.open(&file);
    // All of it is looked at, each row with its details.
    browser.value("document.getElementById('list').focus()");
    browser.press("End");
    for _ in 0..forged().len() {
        browser.press("Enter");
        browser.press("ArrowUp");
    }
    assert_eq!(
        browser.value(
            "document.querySelectorAll('img, iframe, object, embed, link, script[src]').length"
        ),
        0
    );
    assert_eq!(browser.value("document.scripts.length"), 2);
    assert_eq!(browser.text("document.title"), "Palisade report");
    // What cannot be seen is shown as what it is.
    let whole =
        browser.text("document.body.innerText + document.getElementById('detail').innerText");
    let acting: Vec<char> = whole
        .chars()
        .filter(|c| !matches!(c, '\n' | '\t') && palisade_audit::is_unseen(*c))
        .collect();
    assert_eq!(acting, [], "{whole:?}");
    for (method, parameters) in &browser.events {
        match method.as_str() {
            "Network.requestWillBeSent" => {
                let url = parameters["request"]["url"].as_str().expect("an address");
                assert!(
                    url.starts_with("file://") && url.ends_with("/report.html"),
                    "{url}"
                );
            }
            "Log.entryAdded" | "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" => {
                panic!("{method}: {parameters}");
            }
            _ => {}
        }
    }
}

/// Text whose contrast with what is behind it is less than 4.5 to 1 (WCAG 2.2, 1.4.3; 3 to 1 for large text), and how much it is.
const PALE: &str = r"(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const out = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility() || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(e.tagName)) continue;
    const layers = [];
    for (let p = e; p; p = p.parentElement) layers.unshift(rgba(getComputedStyle(p).backgroundColor));
    // The bar lies under the text of its button.
    const bar = e.parentElement.querySelector(':scope > i');
    if (bar) { const c = rgba(getComputedStyle(bar).backgroundColor); c[3] *= Number(getComputedStyle(bar).opacity); layers.push(c); }
    const back = layers.reduce((b, l) => over(l, b), [255, 255, 255, 1]);
    const front = over(rgba(getComputedStyle(e).color), back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const size = parseFloat(getComputedStyle(e).fontSize), large = size >= 24 || (size >= 18.66 && getComputedStyle(e).fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) out.push(e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return [...new Set(out)];
})()";

/// What is wider than the window, or cut off where it cannot be scrolled to.
const OVERFLOW: &str =
    "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/// Buttons and fields that a finger does not hit (WCAG 2.2, 2.5.8: 24 by 24).
const SMALL: &str = r"[...document.querySelectorAll('button, input, a')].filter((e) => e.checkVisibility() && !e.classList.contains('skip') && e.closest('#timeline') === null).filter((e) => { const r = (e.closest('label') || e).getBoundingClientRect(); return r.height < 24 || r.width < 24; }).map((e) => e.outerHTML.slice(0, 80))";

#[test]
fn the_page_is_readable_in_the_light_and_in_the_dark_on_a_desk_and_on_a_phone() {
    if !installed() {
        return;
    }
    let (_folder, file) = page(&log());
    let (_other, nothing) = page("");
    let mut browser = Browser::start();
    for (device, width, height, phone) in [
        ("desk", 1400, 900, false),
        ("tablet", 800, 1100, false),
        ("phone", 390, 844, true),
        ("small", 320, 640, true),
    ] {
        browser.size(width, height, phone);
        for scheme in ["light", "dark"] {
            browser.scheme(scheme);
            let place = format!("{device}, {scheme}");
            browser.open(&nothing);
            assert_eq!(browser.value(PALE), json!([]), "empty, {place}");
            assert_eq!(browser.value(OVERFLOW), 0, "empty, {place}");
            assert!(
                browser
                    .text("document.body.innerText")
                    .contains("No audits"),
                "{place}"
            );
            browser.picture(&format!("{device}-{scheme}-empty"));

            browser.open(&file);
            let dark = browser.value("matchMedia('(prefers-color-scheme: dark)').matches");
            assert_eq!(dark, scheme == "dark", "{place}");
            browser.picture(&format!("{device}-{scheme}"));
            browser.tap("document.querySelectorAll('#list .row')[1]");
            browser.tap("document.querySelector('#facets button')");
            assert_eq!(browser.value(PALE), json!([]), "{place}");
            assert_eq!(browser.value(OVERFLOW), 0, "{place}");
            if phone {
                assert_eq!(browser.value(SMALL), json!([]), "{place}");
            }
            // What a finger opens is in sight.
            browser.tap("document.querySelectorAll('#list .row')[2]");
            browser.until("(() => { const r = document.getElementById('detail').getBoundingClientRect(); return r.height > 40 && r.top < innerHeight && r.bottom > 0; })()");
            browser.picture(&format!("{device}-{scheme}-detail"));
            browser.value("document.getElementById('policy').scrollIntoView()");
            browser.settle();
            browser.picture(&format!("{device}-{scheme}-policy"));
        }
    }
}

/// What a screen reader says of each thing that can be used.
#[test]
fn everything_that_can_be_used_has_a_name() {
    if !installed() {
        return;
    }
    let (_folder, file) = page(&log());
    let mut browser = Browser::start();
    browser.open(&file);
    let tree = browser.ask("Accessibility.getFullAXTree", json!({}));
    let mut seen = std::collections::BTreeMap::new();
    for node in tree["nodes"].as_array().expect("nodes") {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if node["ignored"] == true
            || ![
                "button",
                "searchbox",
                "checkbox",
                "listbox",
                "option",
                "link",
                "status",
                "heading",
                "region",
            ]
            .contains(&role)
        {
            continue;
        }
        let name = node["name"]["value"].as_str().unwrap_or_default();
        assert!(
            !name.trim().is_empty() || role == "status",
            "{role}: {node}"
        );
        *seen.entry(role.to_owned()).or_insert(0) += 1;
    }
    for role in [
        "button",
        "searchbox",
        "checkbox",
        "listbox",
        "option",
        "link",
        "heading",
    ] {
        assert!(seen.contains_key(role), "{role} is not among {seen:?}");
    }
}

#[test]
fn a_hundred_thousand_audits_are_all_there_and_the_document_holds_those_in_sight() {
    if !installed() {
        return;
    }
    let (_folder, file) = page(&many(100_000));
    let mut browser = Browser::start();
    browser.size(1400, 900, false);
    browser.open(&file);
    // For a person: no test depends on it, and `make bench` measures it.
    println!(
        "open after {} ms",
        browser.text("document.documentElement.dataset.ready")
    );
    assert_eq!(total(&mut browser), "100,000");
    let rows = browser
        .value("document.querySelectorAll('.row').length")
        .as_u64()
        .expect("a number");
    assert!((5..80).contains(&rows), "{rows} rows");
    browser.value("document.getElementById('list').focus()");
    browser.press("End");
    assert_eq!(
        browser
            .text("document.querySelector('[aria-selected=true]').getAttribute('aria-posinset')"),
        "100000"
    );
    let in_sight = "(() => { const l = document.getElementById('list').getBoundingClientRect(), r = document.querySelector('[aria-selected=true]').getBoundingClientRect(); return r.top >= l.top - 1 && r.bottom <= l.bottom + 1; })()";
    assert_eq!(browser.value(in_sight), Value::Bool(true));
    browser.press("/");
    browser.type_in("n500.example.org");
    browser.until("document.getElementById('totals').textContent.startsWith('100 audits')");
}

/// Whoever can write to the log can write lines of any time; what is honest must not shrink to one bar beside them.
#[test]
fn times_that_are_forged_have_bars_of_their_own_and_leave_the_others_as_they_were() {
    if !installed() {
        return;
    }
    let honest: String = (0..2_000_i64)
        .map(|number| {
            PAY.at(number * 7)
                .resolve(&format!("n{number}.example.org"))
        })
        .collect();
    let far = |year: i32, count: u64| {
        let timestamp = format!("{year:04}-01-01T00:00:00Z");
        let audit = json!({"palisade": 1, "type": "dns", "effect": "prevent", "domain": "x.example", "count": count, "timestamp": timestamp});
        format!("{audit}\n")
    };
    // And one within its time that says that it stands for a million times what all others do.
    let mut loud: Value =
        serde_json::from_str(&PAY.at(7_000).resolve("loud.example.org")).expect("JSON");
    loud["count"] = 4_000_000_000_u64.into();
    let years: String = (0..300).map(|year| far(2100 + year, 1_000_000)).collect();
    let forged = far(1970, 1) + &years + &format!("{loud}\n");
    let (_alone, alone) = page(&honest);
    let (_beside, beside) = page(&(honest + &forged));
    let mut browser = Browser::start();
    let bars =
        "[...document.querySelectorAll('#timeline button:not(.far)')].map((bar) => bar.title)";
    let far = "[...document.querySelectorAll('#timeline .far')].map((bar) => bar.title)";
    for (device, width, phone) in [("desk", 1400, false), ("phone", 390, true)] {
        browser.size(width, 900, phone);
        browser.open(&alone);
        let expected = browser.value(bars);
        assert!(
            expected.as_array().is_some_and(|bars| bars.len() >= 39),
            "{expected}"
        );
        assert_eq!(browser.value(far), json!([]));
        let hidden = "document.getElementById('far').hidden";
        assert_eq!(browser.value(hidden), true);

        browser.open(&beside);
        browser.picture(&format!("{device}-forged"));
        let moments = |bars: &Value| -> Vec<String> {
            let bars = bars.as_array().expect("bars").iter();
            bars.map(|bar| bar.as_str().expect("a title")[..19].to_owned())
                .collect()
        };
        assert_eq!(moments(&browser.value(bars)), moments(&expected));
        let note = browser.text("document.getElementById('far').textContent");
        assert!(
            note.contains("far from all others") && note.contains("is cut"),
            "{note}"
        );
        let titles = browser.value(far);
        assert_eq!(titles[0], "before 2023-11-14 22:13:20: 1 event", "{titles}");
        let after = titles[1].as_str().expect("a bar behind");
        assert!(
            after.starts_with("after 2023-11-15 02:0") && after.ends_with(": 300,000,000 events"),
            "{titles}"
        );
        // Every bar has a height that one sees, and a finger or a key chooses the audits behind it.
        let low = "[...document.querySelectorAll('#timeline span')].filter((part) => part.getBoundingClientRect().height < 1).length";
        assert_eq!(browser.value(low), 0);
        let middle = "document.querySelectorAll('#timeline button')[20].firstChild.getBoundingClientRect().height";
        assert!(browser.value(middle).as_f64() > Some(40.0), "{device}");
        browser.value("document.querySelector('#timeline .far:last-child').click()");
        assert_eq!(total(&mut browser), "300");
        assert!(
            browser
                .text("document.getElementById('chips').innerText")
                .starts_with("after 2023-11-15"),
        );
        browser.value("document.querySelector('#timeline .far').focus()");
        browser.press("Enter");
        assert_eq!(total(&mut browser), "1");
        browser.press("Enter");
        assert_eq!(total(&mut browser), "2,302");
    }
}

/// A line says itself how many events it stands for. The bars of what is honest stay as they are, and what is said fits.
#[test]
fn counts_that_are_forged_leave_the_bars_of_the_others_as_they_were() {
    if !installed() {
        return;
    }
    let of = |function: &str, count: u64, lines: usize| -> String {
        let audit = json!({"palisade": 1, "timestamp": "2026-11-20T10:00:00Z", "type": "dns", "effect": "prevent", "attack": "unlisted-domain",
            "rule": "payments", "function": function, "domain": "x.example", "count": count});
        format!("{audit}\n").repeat(lines)
    };
    let honest = of("pay", 10, 40) + &of("ship", 5, 40) + &of("sell", 1, 40);
    let bars = "[...document.querySelectorAll('#facets section')].find((card) => card.querySelector('h2').textContent.startsWith('Function'))";
    let fill = |name: &str| {
        format!(
            "(() => {{ const bar = [...{bars}.querySelectorAll('button')].find((bar) => bar.querySelector('b').textContent === '{name}'); \
             return bar ? Math.round(100 * bar.querySelector('i').getBoundingClientRect().width / bar.clientWidth) : -1 }})()"
        )
    };
    let mut browser = Browser::start();
    for forged in [0, 1, 2, 12, 40] {
        let most = u64::MAX;
        let loud: String = (0..forged)
            .map(|number| of(&format!("forged-{number}"), most, 1))
            .collect();
        let (_folder, page) = page(&(honest.clone() + &loud));
        for (device, width, phone) in [("desk", 1400, false), ("phone", 390, true)] {
            browser.size(width, 900, phone);
            browser.open(&page);
            let told = format!("{forged} forged, {device}");
            for (name, percent) in [("pay", 100), ("ship", 50), ("sell", 10)] {
                let found = browser.value(&fill(name)).as_i64();
                assert!(
                    found.is_some_and(|found| (found - percent).abs() <= 1),
                    "{told}: {name} {found:?}"
                );
            }
            let cut = browser
                .text(&format!("{bars}.innerText"))
                .contains("is cut");
            assert_eq!(cut, forged > 0, "{told}");
            // Nothing is wider than its place, and each name can still be read.
            let wide = "[...document.querySelectorAll('#facets button')].filter((bar) => bar.querySelector('i').getBoundingClientRect().width > bar.clientWidth + 1 \
                        || bar.querySelector('em').textContent.length > 8 || bar.querySelector('b').clientWidth < 20).length";
            assert_eq!(browser.value(wide), 0, "{told}");
            let over =
                "document.documentElement.scrollWidth > document.documentElement.clientWidth";
            assert_eq!(browser.value(over), false, "{told}");
        }
    }
    browser.picture("phone-counts");
}

/// On paper nobody scrolls and nobody filters.
#[test]
fn the_page_prints_its_audits_and_says_how_many_there_are() {
    if !installed() {
        return;
    }
    let (_folder, file) = page(&many(1_000));
    let mut browser = Browser::start();
    browser.scheme("dark");
    browser.open(&file);
    let paper = browser.ask("Page.printToPDF", json!({"printBackground": true}));
    let bytes = browser::decoded(paper["data"].as_str().expect("a document"));
    assert!(bytes.starts_with(b"%PDF"));
    browser.keep("paper.pdf", &bytes);
    // What it was laid out as: the same media and the same event.
    browser.ask("Emulation.setEmulatedMedia", json!({"media": "print"}));
    browser.value("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(
        browser.value("document.querySelectorAll('.row').length"),
        500
    );
    let text = browser.text("document.body.innerText");
    assert!(text.contains("The first 500 of 1,000."), "{text}");
    browser.picture("paper");
    let hidden = "[...document.querySelectorAll('.row')].filter((row) => { const r = row.getBoundingClientRect(), l = document.getElementById('list').getBoundingClientRect(); return r.height < 10 || r.bottom > l.bottom + 1; }).length";
    assert_eq!(browser.value(hidden), 0);
    assert_eq!(
        browser.value("document.getElementById('search').checkVisibility()"),
        false
    );
    assert_eq!(browser.value(PALE), json!([]));
    assert_eq!(browser.value(OVERFLOW), 0);
    browser.ask("Emulation.setEmulatedMedia", json!({"media": ""}));
    browser.value("dispatchEvent(new Event('afterprint'))");
    let rows = browser.value("document.querySelectorAll('.row').length");
    assert!(rows.as_u64() < Some(100), "{rows}");
}
