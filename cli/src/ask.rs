//! A policy, made ready for questions as the library in the function makes it ready.

use std::path::Path;

use palisade_policy::{
    Compiled, Context, Identity, Platform, Policy, Surroundings, compile as compile_policy,
};

use crate::paths;

/// The policy for one function. `program`: what its main process runs, if that is known.
pub fn compiled(policy: &Policy, identity: Identity<'_>, program: Option<&Path>) -> Compiled {
    compile_policy(
        policy,
        &Context {
            identity,
            platform: &platform(program),
            resolve: &paths::real,
            now: crate::moment::now(),
        },
    )
}

/// What the platform needs. The environment is that of this machine; where it names no Lambda endpoints, the usual ones are taken.
fn platform(program: Option<&Path>) -> Platform {
    let read = |file| std::fs::read_to_string(file).unwrap_or_default();
    let variable = |name: &str| {
        std::env::var(name).ok().or_else(|| {
            let usual = match name {
                "AWS_LAMBDA_RUNTIME_API" => "127.0.0.1:9001",
                "AWS_XRAY_DAEMON_ADDRESS" => "169.254.79.129:2000",
                "LAMBDA_TASK_ROOT" => "/var/task",
                "LAMBDA_RUNTIME_DIR" => "/var/runtime",
                _ => return None,
            };
            Some(usual.to_owned())
        })
    };
    let program = program
        .and_then(|program| paths::resolve(program).ok())
        .map(|program| program.to_string_lossy().into_owned());
    Platform::derive(&Surroundings {
        variable: &variable,
        resolv_conf: &read("/etc/resolv.conf"),
        hostname: read("/proc/sys/kernel/hostname").trim(),
        program: program.as_deref().unwrap_or_default(),
    })
}
