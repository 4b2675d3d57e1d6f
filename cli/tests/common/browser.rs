//! A real browser, driven over the pipe that it has for that (Chrome DevTools Protocol): no port, no driver beside it, and no packet leaves.
#![allow(dead_code, reason = "each program has its own copy of this file")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

/// Nothing of these asks anybody for anything.
const FLAGS: [&str; 14] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--proxy-server=127.0.0.1:9",
    "--remote-debugging-pipe",
];

/// `chromium`, or nothing where it is not installed. Where CI is set it has to be.
pub fn installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join("chromium").is_file());
    assert!(
        found || std::env::var_os("CI").is_none(),
        "chromium is missing: tests/packages/install"
    );
    if !found {
        eprintln!("skipped: chromium is missing here, and tests/packages/install brings it");
    }
    found
}

/// A browser with one page.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next: u64,
    session: Option<String>,
    /// What happened meanwhile, in order: method and parameters.
    pub events: Vec<(String, Value)>,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        // The pipe has to be on descriptors 3 and 4.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1",
                "sh",
            ])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut browser = Self {
            child,
            input,
            output,
            next: 0,
            session: None,
            events: Vec::new(),
            _profile: profile,
        };
        let pages = browser.ask("Target.getTargets", json!({}));
        let page = pages["targetInfos"]
            .as_array()
            .and_then(|targets| targets.iter().find(|target| target["type"] == "page"))
            .map(|page| page["targetId"].clone())
            .expect("a page");
        let attached = browser.ask(
            "Target.attachToTarget",
            json!({"targetId": page, "flatten": true}),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Network", "Log", "Runtime", "Accessibility"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// One command, and its answer.
    #[track_caller]
    pub fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.input
            .write_all(format!("{message}\0").as_bytes())
            .expect("the browser listens");
        loop {
            let answer = self.read();
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.output
            .read_until(0, &mut bytes)
            .expect("the browser speaks");
        bytes.pop();
        assert!(!bytes.is_empty(), "the browser has gone");
        let message: Value = serde_json::from_slice(&bytes).expect("JSON");
        if let Some(method) = message["method"].as_str() {
            self.events
                .push((method.to_owned(), message["params"].clone()));
        }
        message
    }

    /// Opens a file, and waits until its script has done its work.
    pub fn open(&mut self, file: &Path) {
        let url = format!("file://{}", file.display());
        self.ask("Page.navigate", json!({"url": url}));
        self.until("document.documentElement?.dataset.ready !== undefined");
    }

    /// The value of an expression. Scripts of the debugger are not those of the page, so that its content security policy stays as it is.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let answer = self.ask(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        );
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    #[track_caller]
    pub fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value
            .as_str()
            .unwrap_or_else(|| panic!("{expression}: {value}"))
            .to_owned()
    }

    /// Waits until an expression is true; a page that never gets there is a failure.
    #[track_caller]
    pub fn until(&mut self, expression: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while self.value(expression) != true {
            assert!(Instant::now() < end, "{expression} does not become true");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A key of a real keyboard: `Tab`, `Enter`, `ArrowDown`, `/`.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            " " => 32,
            "Escape" => 27,
            "PageUp" => 33,
            "PageDown" => 34,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = match key {
            "Enter" => "\r",
            one if one.chars().count() == 1 => one,
            _ => "",
        };
        let mut event =
            json!({"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code});
        if !text.is_empty() {
            event["text"] = text.into();
        }
        self.ask("Input.dispatchKeyEvent", event.clone());
        event["type"] = "keyUp".into();
        self.ask("Input.dispatchKeyEvent", event);
        self.settle();
    }

    /// Text into whatever has the focus.
    pub fn type_in(&mut self, text: &str) {
        self.ask("Input.insertText", json!({"text": text}));
    }

    /// A touch or a click in the middle of an element.
    #[track_caller]
    pub fn tap(&mut self, element: &str) {
        let place = self.value(&format!(
            "(() => {{ const e = {element}; e.scrollIntoView({{block: 'center', behavior: 'instant'}}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            self.ask(
                "Input.dispatchMouseEvent",
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}),
            );
        }
        self.settle();
    }

    /// Two frames: what was to be drawn has been.
    pub fn settle(&mut self) {
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))");
    }

    /// Columns and rows of the window in CSS pixels; `phone` also lays the page out as phones do.
    pub fn size(&mut self, width: u32, height: u32, phone: bool) {
        let scale = if phone { 2 } else { 1 };
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone}),
        );
        self.settle();
    }

    /// What the person prefers: `light` or `dark`; and no motion, since a page that still scrolls is under no finger where it was.
    pub fn scheme(&mut self, scheme: &str) {
        self.ask(
            "Emulation.setEmulatedMedia",
            json!({"features": [
                {"name": "prefers-color-scheme", "value": scheme},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]}),
        );
        self.settle();
    }

    /// A picture of the window, for a person to look at: in the folder that `PALISADE_SCREENSHOTS` names.
    pub fn picture(&mut self, name: &str) {
        if std::env::var_os(PICTURES).is_none() {
            return;
        }
        let shot = self.ask("Page.captureScreenshot", json!({"format": "png"}));
        let bytes = decoded(shot["data"].as_str().expect("a picture"));
        self.keep(&format!("{name}.png"), &bytes);
    }

    /// A file for a person to look at, in the same folder.
    pub fn keep(&self, name: &str, bytes: &[u8]) {
        if let Some(folder) = std::env::var_os(PICTURES) {
            std::fs::write(Path::new(&folder).join(name), bytes).expect("written");
        }
    }
}

const PICTURES: &str = "PALISADE_SCREENSHOTS";

/// The bytes of what the browser hands over.
pub fn decoded(base64: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(base64)
        .expect("base64")
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends when the pipe does, and its children with it; this only hastens it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
