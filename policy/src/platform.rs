//! What the platform itself needs, so that a strict policy cannot break a function's start by accident.
//!
//! Derived from what the function's environment says, never from constants alone: the Runtime API has been seen on `127.0.0.1:9001` and on
//! `169.254.100.1:9001`, and proxies move it.

use crate::format;
use crate::glob::escape;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What always works, as far as the sections that could forbid it let it (a `deny` of `filesystem` goes before `read` and `write`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// Destinations: Runtime API, X-Ray, extensions on loopback.
    pub endpoints: Vec<(IpAddr, u16)>,
    /// Name servers; reached on port 53.
    pub resolvers: Vec<IpAddr>,
    /// Names, in the patterns of the `dns` section.
    pub names: Vec<String>,
    /// The files of `data/platform.txt` as well, which every function's runtime needs.
    pub standard: bool,
    /// Globs of files that are read.
    pub read: Vec<String>,
    /// Globs of files that are written.
    pub write: Vec<String>,
}

/// Where the function runs, read by somebody who may do I/O.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// An environment variable of the main process.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The text of `/etc/resolv.conf`.
    pub resolv_conf: &'a str,
    /// `gethostname(2)`.
    pub hostname: &'a str,
    /// `/proc/self/exe` of the main process, resolved.
    pub program: &'a str,
}

/// Ports on loopback at which extensions listen, and the variables that move them. AppConfig and "Parameters and Secrets" are AWS's; OpenTelemetry
/// (OTLP over gRPC and HTTP) and Datadog (traces, metrics) are in most functions that are observed at all.
const EXTENSIONS: [(&str, u16); 6] = [
    ("AWS_APPCONFIG_EXTENSION_HTTP_PORT", 2772),
    ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", 2773),
    ("", 4317),
    ("", 4318),
    ("DD_TRACE_AGENT_PORT", 8126),
    ("DD_DOGSTATSD_PORT", 8125),
];

/// Variables that hold `host:port` or a URL, and the port where none is written.
const ENDPOINTS: [(&str, u16); 4] = [
    ("AWS_LAMBDA_RUNTIME_API", 80),
    ("AWS_LAMBDA_METADATA_API", 80),
    ("AWS_XRAY_DAEMON_ADDRESS", 2000),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", 80),
];

/// Directories of the runtime and of the function, and where they are if no variable says otherwise.
const DIRECTORIES: [(&str, &str); 2] = [
    ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ("LAMBDA_TASK_ROOT", "/var/task"),
];

/// Installations that a variable names: only what is installed in them, not everything below.
const PREFIXES: [&str; 4] = ["VIRTUAL_ENV", "JAVA_HOME", "DOTNET_ROOT", "PYTHONHOME"];

/// Search paths of interpreters for code, separated by colons.
const SEARCH_PATHS: [&str; 5] = ["PYTHONPATH", "NODE_PATH", "RUBYLIB", "GEM_PATH", "GEM_HOME"];

/// What of `data/platform.txt` is a link in some images, to somewhere that is not in it: systemd's resolver, a volume that is mounted
/// elsewhere.
const LINKS: [&str; 5] = [
    "/etc/resolv.conf",
    "/etc/localtime",
    "/var/lang",
    "/var/lang/**",
    "/opt/**",
];

/// What an installation holds that a program needs while it runs.
const INSTALLED: &str =
    "{bin,lib,lib32,lib64,libexec,include,share,conf,jre,jmods,shared,host,packs,sdk}";

impl Platform {
    /// Derives the needs of a function from where it runs.
    #[must_use]
    pub fn derive(s: &Surroundings<'_>) -> Self {
        let mut platform = Self::default();
        platform.network(s);
        platform.files(s);
        platform
    }

    fn network(&mut self, s: &Surroundings<'_>) {
        for (variable, port) in ENDPOINTS {
            if let Some(value) = (s.variable)(variable) {
                self.addresses(&value, port);
            }
        }
        if let Some(host) = (s.variable)("_AWS_XRAY_DAEMON_ADDRESS") {
            let port = (s.variable)("_AWS_XRAY_DAEMON_PORT")
                .and_then(|p| p.trim_ascii().parse().ok())
                .unwrap_or(2000);
            self.addresses(&host, port);
        }
        for (variable, default) in EXTENSIONS {
            let moved = if variable.is_empty() {
                None
            } else {
                (s.variable)(variable)
            };
            let port = moved
                .and_then(|text| text.trim_ascii().parse().ok())
                .unwrap_or(default);
            self.loopback(port);
        }
        self.resolvers = nameservers(s.resolv_conf);
        for name in ["localhost", "*.localhost", "sandbox.localdomain"] {
            self.name(name);
        }
        self.name(s.hostname);
    }

    /// The forms in use: `127.0.0.1:9001`, `http://localhost:2772/path`, `tcp:127.0.0.1:2000 udp:127.0.0.2:2001`.
    fn addresses(&mut self, value: &str, default: u16) {
        for part in value.split_ascii_whitespace() {
            let part = part
                .strip_prefix("tcp:")
                .or_else(|| part.strip_prefix("udp:"))
                .unwrap_or(part);
            let (part, default) = match part.split_once("://") {
                Some(("https", rest)) => (rest, 443),
                Some((_, rest)) => (rest, default),
                None => (part, default),
            };
            let authority = part.split(['/', '?', '#']).next().unwrap_or_default();
            let authority = authority.rsplit('@').next().unwrap_or_default();
            if let Some((host, port)) = host_and_port(authority, default) {
                self.endpoint(host, port);
            }
        }
    }

    fn endpoint(&mut self, host: &str, port: u16) {
        if host.eq_ignore_ascii_case("localhost") {
            self.loopback(port);
        } else if let Ok(ip) = host.parse::<IpAddr>() {
            self.address(ip, port);
        } else {
            self.name(host);
        }
    }

    fn loopback(&mut self, port: u16) {
        self.address(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        self.address(IpAddr::V6(Ipv6Addr::LOCALHOST), port);
    }

    fn address(&mut self, ip: IpAddr, port: u16) {
        if port != 0 && !self.endpoints.contains(&(ip, port)) {
            self.endpoints.push((ip, port));
        }
    }

    fn name(&mut self, name: &str) {
        // A name with a wildcard in it would open more than itself; only our own have one.
        let ours = name == "*.localhost";
        if (ours || !name.contains('*'))
            && crate::domain::pattern(name).is_ok()
            && !self.names.iter().any(|n| n == name)
        {
            self.names.push(name.to_owned());
        }
    }

    fn files(&mut self, s: &Surroundings<'_>) {
        for (variable, default) in DIRECTORIES {
            let directory = (s.variable)(variable)
                .and_then(|path| own_directory(&path))
                .unwrap_or_else(|| default.to_owned());
            self.below(&directory);
        }
        for variable in SEARCH_PATHS {
            for path in (s.variable)(variable).unwrap_or_default().split(':') {
                if let Some(directory) = own_directory(path) {
                    self.below(&directory);
                }
            }
        }
        for variable in PREFIXES {
            if let Some(prefix) = (s.variable)(variable).and_then(|path| own_directory(&path)) {
                self.installation(&prefix);
            }
        }
        if s.program.starts_with('/') {
            self.readable(escape(s.program));
            // `PREFIX/bin/python3.11` lives off `PREFIX/lib`; a program anywhere else says nothing about its neighbours.
            if let Some((directory, _)) = s.program.rsplit_once('/')
                && let Some(prefix) = directory.strip_suffix("/bin").and_then(own_directory)
            {
                self.installation(&prefix);
            }
        }
        for glob in LINKS {
            self.readable(glob.to_owned());
        }
        self.standard = true;
    }

    fn below(&mut self, directory: &str) {
        let directory = escape(directory);
        self.readable(directory.clone());
        self.readable(format!("{directory}/**"));
    }

    fn installation(&mut self, prefix: &str) {
        // All of it is in the list, and most functions' programs are in it.
        if prefix == "/var/lang" {
            return;
        }
        let prefix = escape(prefix);
        self.readable(prefix.clone());
        // The marker of a virtual environment, and the one file of a Java installation that stands beside the directories.
        self.readable(format!("{prefix}/{{pyvenv.cfg,release}}"));
        self.readable(format!("{prefix}/{INSTALLED}"));
        self.readable(format!("{prefix}/{INSTALLED}/**"));
    }

    fn readable(&mut self, glob: String) {
        if !self.read.contains(&glob) {
            self.read.push(glob);
        }
    }
}

/// `path` without slashes at its end, if it can be the directory of a runtime: absolute, plain, and not one that holds everybody's files.
fn own_directory(path: &str) -> Option<String> {
    // One text, as each pointer to one is relocated at each start of a program.
    const SHARED: &str = " /bin /boot /dev /etc /home /mnt /proc /root /run /sbin /sys /tmp /usr /var /var/tmp /dev/shm";
    let path = path.trim_end_matches('/');
    let plain = path.starts_with('/') && !path.contains('\0');
    let canonical = !path
        .split('/')
        .skip(1)
        .any(|part| part.is_empty() || part == "." || part == "..");
    (plain && canonical && !SHARED.split(' ').any(|shared| shared == path)).then(|| path.to_owned())
}

fn host_and_port(authority: &str, default: u16) -> Option<(&str, u16)> {
    if let Some(inner) = authority.strip_prefix('[') {
        let (host, rest) = inner.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            Some(port) => port.parse().ok()?,
            None => default,
        };
        return Some((host, port));
    }
    match authority.rsplit_once(':') {
        None if authority.is_empty() => None,
        None => Some((authority, default)),
        // An IPv6 address without brackets has no port.
        Some((host, _)) if host.contains(':') => Some((authority, default)),
        Some((host, port)) => Some((host, port.parse().ok()?)),
    }
}

/// resolv.conf(5): without a `nameserver` line, the name server is the local machine.
fn nameservers(text: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        let address = words
            .next()
            .map(|word| word.split_once('%').map_or(word, |(address, _)| address));
        if let Some(ip) = address.and_then(|text| text.parse::<IpAddr>().ok())
            && !found.contains(&ip)
        {
            found.push(ip);
        }
    }
    if found.is_empty() {
        found.extend([
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ]);
    }
    found
}
