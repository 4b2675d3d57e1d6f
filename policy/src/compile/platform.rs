//! What the platform needs, as entries like those of the policy.

use super::{Compiler, Purpose};
use crate::blob::{Space, access, flag, list};
use crate::domain;
use crate::net::{self, Cidr, Ports};

impl Compiler<'_> {
    /// What the platform needs in every section, whether it is on or not: who learns asks for it ([`Decider::is_given_file`](crate::Decider::is_given_file) and its kin).
    pub(super) fn platform(&mut self) {
        self.platform_endpoints();
        self.platform_ports();
        self.platform_names();
        self.platform_files();
    }

    pub(super) fn platform_ports(&mut self) {
        for (ip, port) in &self.context.platform.endpoints {
            if net::normal(*ip).is_loopback() {
                let ports = Ports {
                    low: *port,
                    high: *port,
                };
                self.out.listen(ports, list::PLATFORM, 0);
            }
        }
    }

    pub(super) fn platform_names(&mut self) {
        for name in &self.context.platform.names {
            if let Ok(pattern) = domain::pattern(name) {
                self.domain(&pattern, list::PLATFORM, 0);
            }
        }
    }

    pub(super) fn platform_files(&mut self) {
        let platform = self.context.platform;
        if platform.standard {
            self.out.flags |= flag::STANDARD;
        }
        for (globs, access) in [
            (&platform.read, access::READ),
            (&platform.write, access::WRITE),
        ] {
            for text in globs {
                let purpose = Purpose {
                    space: Space::File,
                    list: list::PLATFORM,
                    access,
                    entry: 0,
                };
                self.glob(text, purpose);
            }
        }
    }

    pub(super) fn platform_endpoints(&mut self) {
        let platform = self.context.platform;
        for (ip, port) in &platform.endpoints {
            self.out.net(
                Cidr::host(*ip),
                Ports {
                    low: *port,
                    high: *port,
                },
                list::PLATFORM,
                0,
            );
        }
        for ip in &platform.resolvers {
            self.out.net(
                Cidr::host(*ip),
                Ports { low: 53, high: 53 },
                list::PLATFORM,
                0,
            );
        }
    }
}
