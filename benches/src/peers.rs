//! Others that stand where Palisade stands, at the calls that they stand at, side by side.
//!
//! Their packages are fetched into `target/bench/peers` by `apt-get download`, which installs nothing and needs no privileges.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::calls::{Setting, in_turns};
use crate::place::{Place, Variables, installed, text};
use crate::table::Table;

/// A peer: its Debian package, its library in it, and the calls that it is about.
const PEERS: [(&str, &str, &str, &[&str]); 4] = [
    (
        "libeatmydata: none of these",
        "libeatmydata1",
        "libeatmydata.so",
        &["open", "connect udp", "posix_spawn"],
    ),
    (
        "snoopy: logs programs",
        "snoopy",
        "libsnoopy.so",
        &["posix_spawn", "vfork+execve"],
    ),
    (
        "proxychains4: leads connections",
        "libproxychains4",
        "libproxychains.so.4",
        &["connect tcp", "getaddrinfo localhost"],
    ),
    (
        "torsocks: leads connections",
        "torsocks",
        "libtorsocks.so",
        &["connect tcp", "getaddrinfo localhost"],
    ),
];

/// The library of a package, fetched if it is not there.
fn fetch(place: &Place, package: &str, library: &str) -> Result<PathBuf, String> {
    let folder = place.folder.join("peers").join(package);
    if let Some(found) = find(&folder, library) {
        return Ok(found);
    }
    fs::create_dir_all(&folder).map_err(|cause| cause.to_string())?;
    let ran = |mut command: Command| {
        let output = command
            .current_dir(&folder)
            .output()
            .map_err(|cause| format!("{package}: {cause}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!(
            "{package}: {}",
            String::from_utf8_lossy(&output.stderr)
                .lines()
                .last()
                .unwrap_or("failed")
        ))
    };
    let mut download = Command::new("apt-get");
    download.args(["download", package]);
    ran(download)?;
    let archive = fs::read_dir(&folder).ok().and_then(|mut entries| {
        entries.find_map(|entry| {
            let path = entry.ok()?.path();
            path.extension()
                .is_some_and(|kind| kind == "deb")
                .then_some(path)
        })
    });
    let mut unpack = Command::new("dpkg-deb");
    unpack
        .arg("-x")
        .arg(archive.unwrap_or_default())
        .arg(&folder);
    ran(unpack)?;
    find(&folder, library).ok_or_else(|| format!("{package}: no {library} in it"))
}

fn find(folder: &PathBuf, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        let is_it = entry.file_name().to_string_lossy().starts_with(name)
            && entry.metadata().is_ok_and(|data| data.is_file());
        if is_it {
            Some(path)
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find(&path, name)
        } else {
            None
        }
    })
}

/// Each peer in turns with the bare program and with Palisade.
pub fn measure(place: &Place, table: &mut Table) {
    let bare = place.bare();
    for (name, package, library, calls) in PEERS {
        let library = match fetch(place, package, library) {
            Ok(library) => library,
            Err(why) => {
                table.missing(format!("peer {why} (apt-get download {package})"));
                continue;
            }
        };
        let mut variables = bare.clone();
        variables.push(("LD_PRELOAD".into(), text(&library)));
        // Loopback is left to itself by both, which is the least that they do.
        let chains = place.write("proxychains.conf", "strict_chain\nquiet_mode\nlocalnet 127.0.0.0/255.0.0.0\n[ProxyList]\nsocks4 127.0.0.1 9050\n");
        let tor = place.write(
            "torsocks.conf",
            "TorAddress 127.0.0.1\nTorPort 9050\nAllowOutboundLocalhost 2\nAllowInbound 1\n",
        );
        variables.push(("PROXYCHAINS_CONF_FILE".into(), text(&chains)));
        variables.push(("PROXYCHAINS_QUIET_MODE".into(), "1".into()));
        variables.push(("TORSOCKS_CONF_FILE".into(), text(&tor)));
        variables.push(("TORSOCKS_LOG_LEVEL".into(), "1".into()));
        let rounds = place.rounds(150);
        compare(place, table, name, &variables, &[], calls, rounds);
    }
    if installed("strace").is_none() {
        return table.missing("peer strace: not installed (apt-get install strace)");
    }
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=execve,connect,openat",
    ];
    compare(
        place,
        table,
        "strace: follows by ptrace",
        &bare,
        &strace,
        &["open", "connect udp", "posix_spawn"],
        // It stops at every call of the program, also at those that it does not show.
        place.rounds(30),
    );
    // function-shield 2.0.16 of PyPI, in a network namespace of its own, with a Lambda function's environment.
    table.missing(
        "peer FunctionShield: its library ends with \"No usable version of the libssl was found\" where there is no OpenSSL 1, with which it \
         would check a token that its vendor signs and no longer gives out",
    );
}

fn compare(
    place: &Place,
    table: &mut Table,
    name: &str,
    variables: &Variables,
    before: &[&str],
    calls: &[&str],
    rounds: usize,
) {
    let settings: [Setting<'_>; 2] = [(place.bare(), &[]), (variables.clone(), before)];
    let taken = in_turns(place, rounds, "calls", &settings, |call| {
        calls.contains(&call)
    });
    for call in calls {
        if let [Some(without), Some(with)] = [taken[0].get(*call), taken[1].get(*call)] {
            table.ratio(call, name, "ns", (with, without), None);
        }
    }
}
