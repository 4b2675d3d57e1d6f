//! Where the measurements run: a folder below `target/`, the built library, and the programs in C.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use palisade_tests::{compile, library, repository};

use crate::policies;

/// Variables of an environment.
pub type Variables = Vec<(String, String)>;

/// What every measurement needs.
pub struct Place {
    /// Fewer rounds.
    pub quick: bool,
    /// `libpalisade.so`.
    pub library: PathBuf,
    /// A folder for files, without a link on the way to it.
    pub folder: PathBuf,
    /// The preload that does nothing.
    pub nothing: PathBuf,
    /// The preload that stands in front of the same calls, and passes them on.
    pub passing: PathBuf,
    /// The preload that judges by hand, and does nothing else.
    pub judging: PathBuf,
}

impl Place {
    /// Makes the folder and what has to be in it.
    pub fn new(quick: bool) -> Self {
        let folder = folder();
        let place = Self {
            quick,
            library: library(),
            nothing: program(include_str!("../c/nothing.c"), &["-shared", "-fPIC"]),
            passing: program(include_str!("../c/passing.c"), &["-shared", "-fPIC"]),
            judging: program(include_str!("../c/judging.c"), &["-shared", "-fPIC"]),
            folder,
        };
        place.write("file", "content\n");
        let _ = fs::remove_file(place.folder.join("link"));
        std::os::unix::fs::symlink("file", place.folder.join("link"))
            .unwrap_or_else(|cause| panic!("{cause}"));
        place.write(
            &format!("policy-{}.json", policies::PROCESSES_OFF),
            policies::processes_off(),
        );
        for entries in [0, 10, 100, 1000, 10_000] {
            place.write(&format!("policy-{entries}.json"), policies::on(entries));
        }
        place
    }

    /// A file in the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, content).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
        path
    }

    /// How many rounds, of those that it takes to be sure.
    pub fn rounds(&self, full: usize) -> usize {
        if self.quick { (full / 5).max(3) } else { full }
    }

    /// The environment of a program without Palisade.
    pub fn bare(&self) -> Variables {
        [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_REGION", "eu-central-1"),
            ("LANG", "C.UTF-8"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// The same, with that library loaded before libc.
    pub fn preloading(&self, library: &Path) -> Variables {
        let mut variables = self.bare();
        variables.push(("LD_PRELOAD".into(), text(library)));
        variables
    }

    /// The environment of the main process of a function under a policy of so many entries (none has no section), or of that name.
    pub fn main(&self, policy: impl Display) -> Variables {
        let mut variables = self.settings(policy);
        variables.push(("LD_PRELOAD".into(), text(&self.library)));
        variables
    }

    /// As [`main`](Self::main), for whoever preloads the library by itself.
    pub fn settings(&self, policy: impl Display) -> Variables {
        let mut variables = self.bare();
        let policy = self.folder.join(format!("policy-{policy}.json"));
        variables.push(("PALISADE_POLICY_FILE".into(), text(&policy)));
        let audit = format!("file:{}", self.folder.join("audit.jsonl").display());
        variables.push(("PALISADE_AUDIT".into(), audit));
        variables
    }

    /// The environment that a main process under such a policy gives its children.
    pub fn child(&self, policy: impl Display) -> Variables {
        let mut command = Command::new("/usr/bin/env");
        command
            .args(["-i", "/usr/bin/env", "-0"])
            .env_clear()
            .envs(self.main(policy))
            .env("PALISADE_MAIN_PID", "1");
        let output = command.output().unwrap_or_else(|cause| panic!("{cause}"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let variables = entries_of(&text);
        assert!(variables.len() > 3, "{output:?}");
        variables
    }

    /// A main process that waits, and the environment that its children get. Dropped, it ends.
    pub fn family(&self, policy: impl Display) -> (Family, Variables) {
        let mut command = self.command("/bin/sh", &self.main(policy));
        let mut main = command
            .args(["-c", "/usr/bin/env -0; exec 1>&-; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|cause| panic!("{cause}"));
        let mut text = String::new();
        if let Some(mut out) = main.stdout.take() {
            let _ = out.read_to_string(&mut text);
        }
        let variables = entries_of(&text);
        assert!(variables.len() > 3, "{text:?}");
        (Family(main), variables)
    }

    /// A command in the folder, with such an environment and nothing to read.
    pub fn command(&self, program: impl Into<OsString>, variables: &Variables) -> Command {
        let mut command = Command::new(program.into());
        command
            .current_dir(&self.folder)
            .env_clear()
            .envs(variables.iter().cloned())
            .stdin(Stdio::null());
        command
    }
}

/// The folder below `target/`, without a link on the way to it.
pub fn folder() -> PathBuf {
    let repository = repository().canonicalize();
    let folder = repository
        .unwrap_or_else(|cause| panic!("{cause}"))
        .join("target/bench");
    fs::create_dir_all(&folder).unwrap_or_else(|cause| panic!("{cause}"));
    folder
}

/// A main process that waits until it is dropped.
pub struct Family(Child);

impl Drop for Family {
    fn drop(&mut self) {
        // It waits for a line, or for the end.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// What `env -0` prints.
fn entries_of(text: &str) -> Variables {
    text.split('\0')
        .filter_map(|entry| entry.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A program in C, compiled once.
pub fn program(source: &str, flags: &[&str]) -> PathBuf {
    compile(source, &[&["-O2"], flags].concat())
}

/// A path as text.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Where a program is, if it is installed.
pub fn installed(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
