//! A layer laid out as under /opt, and what may be wrong with it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use palisade_audit::Owned;
use palisade_tests::{Outcome, Run, compile, library, tool, wrapper};
use tempfile::TempDir;

/// The shells that /bin/sh may be.
pub const SHELLS: [&str; 2] = ["dash", "bash"];

/// The program that says what it was given.
pub fn show() -> PathBuf {
    compile(include_str!("show.c"), &[])
}

/// `palisade-wrapper` and `palisade/libpalisade.so`.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// The wrapper with a library of this content beside it.
    pub fn with(content: &[u8]) -> Self {
        let place = Self::bare();
        fs::write(place.library(), content).expect("library");
        place
    }

    /// The wrapper with the built library beside it.
    pub fn new() -> Self {
        let place = Self::bare();
        symlink(library(), place.library()).expect("library");
        place
    }

    /// The wrapper with an empty folder beside it.
    pub fn bare() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        fs::copy(wrapper(), folder.path().join("palisade-wrapper")).expect("wrapper");
        fs::create_dir(folder.path().join("palisade")).expect("palisade");
        Self { folder }
    }

    /// Its root, as /opt.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Its wrapper.
    pub fn wrapper(&self) -> PathBuf {
        self.root().join("palisade-wrapper")
    }

    /// Where its library is, or should be.
    pub fn library(&self) -> PathBuf {
        self.root().join("palisade/libpalisade.so")
    }

    /// A run of this wrapper in one of the [`SHELLS`], with the rest as arguments.
    pub fn run(&self, shell: &str) -> Run {
        started(Run::new(tool(shell)).arg(self.wrapper()))
    }
}

/// A run that brings its wrapper by itself, with its audit lines where [`Outcome::audits`] looks.
pub fn started(run: Run) -> Run {
    let mut destination = std::ffi::OsString::from("file:");
    destination.push(run.folder().join("audit.jsonl"));
    run.without_library().env("PALISADE_AUDIT", destination)
}

/// The program ran, defended, and nothing was said before it did what it must not.
pub fn is_defended(outcome: &Outcome) -> bool {
    outcome.code() == 0
        && outcome.text() == "refused\n"
        && outcome.stderr.is_empty()
        && outcome.audit().effect.as_deref() == Some("prevent")
}

/// The one line of a start that was stopped, and nothing was started.
pub fn stopped(outcome: &Outcome) -> Owned {
    assert_eq!(
        (outcome.code(), &*outcome.text(), &*outcome.errors()),
        (78, "", ""),
        "{}",
        outcome.story()
    );
    let line = outcome.audit();
    assert_eq!(
        (&*line.level, &*line.kind, &*line.attack),
        ("ERROR", "policy", "start-stopped"),
        "{}",
        outcome.story()
    );
    assert!(
        line.msg.starts_with("Nothing was started (exit 78). "),
        "{}",
        line.msg
    );
    line
}

/// The one line of a function that runs undefended, which this one does.
pub fn undefended(outcome: &Outcome) -> Owned {
    assert_eq!(
        (outcome.code(), &*outcome.text()),
        (0, "spawned\n"),
        "{}",
        outcome.story()
    );
    let line = outcome.audit();
    assert_eq!(
        (&*line.level, &*line.attack),
        ("ERROR", "undefended"),
        "{}",
        outcome.story()
    );
    assert!(
        line.msg
            .starts_with("The function runs UNDEFENDED, because PALISADE_ON_ERROR is open. "),
        "{}",
        line.msg
    );
    line
}

/// The start is stopped in every shell with these words; and where it may be open, it runs and says so.
pub fn stops(place: &Place, program: &Path, words: &[&str], prepare: impl Fn(Run) -> Run) {
    for shell in SHELLS {
        let make = || prepare(place.run(shell).arg(program));
        let line = stopped(&make().go());
        for word in words {
            assert!(line.msg.contains(word), "{shell}, {word:?}: {}", line.msg);
        }
        let open = undefended(&make().env("PALISADE_ON_ERROR", "open").go());
        for word in words {
            assert!(open.msg.contains(word), "{shell}, {word:?}: {}", open.msg);
        }
    }
}
