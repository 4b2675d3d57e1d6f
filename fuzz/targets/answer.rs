//! What a name server sends: nothing is read that is not there, and all that is there is read.
#![no_main]

#[path = "../../shim/src/answer.rs"]
#[allow(dead_code, reason = "the library uses all of it, this target a part")]
mod answer;
#[allow(dead_code, reason = "the library uses all of it, this target a part")]
#[path = "../../shim/src/question.rs"]
mod question;

use std::net::IpAddr;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    hostile(bytes);
    let _ = well_formed(&mut Unstructured::new(bytes));
});

fn read(message: &[u8]) -> Vec<(Vec<u8>, IpAddr)> {
    let mut found = Vec::new();
    answer::each(message, &mut |name, ip| found.push((name.to_vec(), ip)));
    found
}

/// Every address stands in the message, and there are no more than it counts.
fn hostile(message: &[u8]) {
    let found = read(message);
    for (_, ip) in &found {
        let bytes = match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        assert!(message.windows(bytes.len()).any(|part| part == bytes));
    }
    assert!(found.len() * 14 <= message.len());
}

/// Aliases, addresses of both kinds and records that are none, behind one question.
fn well_formed(source: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let labels: Vec<u8> = source.arbitrary::<[u8; 4]>()?.map(|n| n % 63 + 1).to_vec();
    let mut message = vec![1, 2, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];
    for length in &labels {
        message.push(*length);
        message.extend(std::iter::repeat_n(b'x', usize::from(*length)));
    }
    message.extend([0, 0, 1, 0, 1]);
    let name: Vec<String> = labels.iter().map(|n| "x".repeat((*n).into())).collect();
    let is_too_long = labels.iter().map(|n| usize::from(*n) + 1).sum::<usize>() + 1 > 255;
    let mut expected = Vec::new();
    let count = source.int_in_range(0..=20_u8)?;
    message[7] = count;
    for _ in 0..count {
        let owner: &[u8] = if bool::arbitrary(source)? { b"\xc0\x0c" } else { b"\x01y\0" };
        message.extend(owner);
        let (kind, data) = match source.int_in_range(0..=3_u8)? {
            0 => (1, source.arbitrary::<[u8; 4]>()?.to_vec()),
            1 => (28, source.arbitrary::<[u8; 16]>()?.to_vec()),
            2 => (5, vec![0xc0, 12]),
            _ => (16, source.arbitrary::<[u8; 9]>()?.to_vec()),
        };
        message.extend([0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
        message.extend(&data);
        match kind {
            1 => expected.push(IpAddr::from(<[u8; 4]>::try_from(data).unwrap())),
            28 => expected.push(IpAddr::from(<[u8; 16]>::try_from(data).unwrap())),
            _ => {}
        }
    }
    let found = read(&message);
    if is_too_long {
        assert!(found.is_empty());
        return Ok(());
    }
    assert!(found.iter().all(|(known, _)| *known == name.join(".").as_bytes()));
    let found: Vec<IpAddr> = found.into_iter().map(|(_, ip)| ip).collect();
    assert_eq!(found, expected);
    let framed = [&(message.len() as u16).to_be_bytes(), &*message].concat();
    assert_eq!(read(&framed).len(), expected.len());
    Ok(())
}
