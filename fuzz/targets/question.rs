//! A DNS message as a program sends it, against a reader that has all the memory it wants.
#![no_main]

#[allow(dead_code, reason = "the library uses all of it, this target a part")]
#[path = "../../shim/src/question.rs"]
mod question;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|message: &[u8]| {
    let mut names = Vec::new();
    let result = question::each::<()>(message, |name| {
        names.push(name.to_vec());
        None
    });
    match model(message) {
        None => assert!(result.is_err(), "{names:?}"),
        Some(expected) => {
            assert_eq!(result, Ok(None));
            assert_eq!(
                names.iter().map(|n| unescape(n)).collect::<Vec<_>>(),
                expected
            );
        }
    }
    // The first that is judged is the last that is asked about.
    if let Some(first) = names.first() {
        assert_eq!(
            question::each(message, |name| Some(name.to_vec())),
            Ok(Some(first.clone()))
        );
    }
});

/// Each question's labels: RFC 1035 §4.1.2, without compression.
fn model(message: &[u8]) -> Option<Vec<Vec<Vec<u8>>>> {
    let (header, mut rest) = message.split_at_checked(12)?;
    let count = usize::from(header[4]) << 8 | usize::from(header[5]);
    if header[2] >> 7 == 1 || count == 0 {
        return None;
    }
    let mut questions = Vec::new();
    for _ in 0..count {
        let mut labels = Vec::new();
        loop {
            let (length, tail) = rest.split_first()?;
            rest = tail;
            match length {
                0 => break,
                1..=63 => {
                    let (label, tail) = rest.split_at_checked(usize::from(*length))?;
                    labels.push(label.to_vec());
                    rest = tail;
                }
                _ => return None,
            }
        }
        // 255 bytes with the root's (§2.3.4).
        if labels.iter().map(|label| label.len() + 1).sum::<usize>() + 1 > 255 {
            return None;
        }
        rest = rest.split_at_checked(4)?.1;
        questions.push(labels);
    }
    Some(questions)
}

/// The labels of a name in text.
fn unescape(name: &[u8]) -> Vec<Vec<u8>> {
    let mut labels = Vec::new();
    if name.is_empty() {
        return labels;
    }
    let mut label = Vec::new();
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => label.push(*bytes.next().unwrap()),
            b'.' => labels.push(std::mem::take(&mut label)),
            _ => label.push(*byte),
        }
    }
    labels.push(label);
    labels
}
