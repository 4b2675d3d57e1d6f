//! Mistakes in `network`.

use crate::each_is_named;

#[test]
fn each_mistake_about_destinations_and_ports_is_named_with_its_place() {
    each_is_named(&[
        // Addresses.
        (
            r#""network":{"effect":"alert","outbound":{"allow":["1.1.1.1","10.0.0.1/8"]}}"#,
            "rules[0].network.outbound.allow[1]",
            "\"10.0.0.1/8\"",
            &["`10.0.0.0/8`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[2001:db8::1/32]:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "2001",
            &["`2001:db8::/32`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["10.0.0.0/33"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "/33",
            &["not a prefix length", "`/32`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["10.0.0.0/08"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "/08",
            &["not a prefix length"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0.256"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0.256",
            &["not an IPv4 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0",
            &["four numbers"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["2001:::1"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "2001:::1",
            &["not an IPv6 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["fe80::1%eth0"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "fe80",
            &["interface"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["https://1.1.1.1"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["URL"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[::1"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "[::1",
            &["not closed"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[2001:db8::]/32"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "/32",
            &["`[2001:db8::/32]`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":[10]}}"#,
            "rules[0].network.outbound.allow[0]",
            "10",
            &["a number"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"loopback":"no"}}"#,
            "rules[0].network.outbound.loopback",
            "\"no\"",
            &["`true` or `false`"],
        ),
        // Names among destinations.
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.stripe.com/24"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["a name stands alone", "`api.example.com:443`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[api.stripe.com]:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["a name stands alone", "brackets"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.stripe.com:https"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["`https` is not a port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.stripe.com:0"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["port 0"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.stripe.com:*"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["no port at all"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["https://api.stripe.com"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["URL", "only the host"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api..stripe.com:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["a label is empty"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.*.com"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "api",
            &["only stand in front"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["b\u00fccher.de:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "cher.de",
            &["xn--"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["evil com:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "evil",
            &["cannot hold"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["dead:beef"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "dead",
            &["`beef` is not a port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["dead:beef:1"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "dead",
            &["not an IPv6 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0.O:443"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0.O",
            &["not an IPv4 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0.*"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0",
            &["`*` stands alone", "`10.0.0.0/8`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["0x7f.1"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "0x7f",
            &["not an IPv4 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["localhost:6379"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "localhost",
            &["loopback", "`127.0.0.0/8`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["*.localhost"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "localhost",
            &["loopback", "`::1`"],
        ),
        // Ports.
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:0"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "*:0",
            &["port 0"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:65536"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "65536",
            &["larger than any port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:90-80"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "90-80",
            &["wrong way round", "`80-90`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:https"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["not a port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "*:",
            &["port is missing"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:*"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "*:*",
            &["no port at all"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"allow":[0]}}"#,
            "rules[0].network.listen.allow[0]",
            "0",
            &["no such port"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"allow":[8080.5]}}"#,
            "rules[0].network.listen.allow[0]",
            "8080.5",
            &["no such port"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"allow":["9100-9000"]}}"#,
            "rules[0].network.listen.allow[0]",
            "9100-9000",
            &["`9000-9100`"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"deny":["127.0.0.1:80"]}}"#,
            "rules[0].network.listen.deny[0]",
            "127",
            &["whatever the address"],
        ),
        (
            r#""network":{"effect":"alert","listen":[8080]}"#,
            "rules[0].network.listen",
            "[8080]",
            &["an array", "an object"],
        ),
    ]);
}
