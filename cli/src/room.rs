//! Is there room for a policy in a function's environment?

use std::fmt;
use std::io::Read;

use flate2::Compression;
use flate2::read::GzEncoder;

use crate::output;

/// Lambda takes so many bytes of variables in all, names and values, and refuses more when a function is configured.
const ENVIRONMENT: usize = 4096;

/// What a function with a policy in its environment has in there at least.
const OTHERS: usize =
    "PALISADE_POLICY".len() + "AWS_LAMBDA_EXEC_WRAPPER".len() + "/opt/palisade-wrapper".len();

/// Can it be the value of `PALISADE_POLICY`, if there is no other variable?
pub const fn fits(bytes: usize) -> bool {
    bytes <= ENVIRONMENT - OTHERS
}

/// A policy that is too long for a variable as it is written. It displays as what to do.
#[derive(Debug)]
pub struct TooLong {
    bytes: usize,
    packed: usize,
}

impl TooLong {
    pub const CODE: &str = "environment-size";

    /// `None`: it fits.
    pub fn of(policy: &[u8]) -> Option<Self> {
        (!fits(policy.len())).then(|| Self {
            bytes: policy.len(),
            packed: packed(policy),
        })
    }
}

/// How long base64 of its gzip is.
fn packed(policy: &[u8]) -> usize {
    let mut gzip = Vec::new();
    // Out of memory and into memory: nothing fails.
    let _ = GzEncoder::new(policy, Compression::best()).read_to_end(&mut gzip);
    gzip.len().div_ceil(3) * 4
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [bytes, packed, all] =
            [self.bytes, self.packed, ENVIRONMENT].map(|count| output::number(count as u64));
        write!(
            f,
            "too long for the variable PALISADE_POLICY: {bytes} bytes, and Lambda takes {all} for all variables together. \
             Put the file into the function's package (/var/task/palisade.json) or a layer (/opt/palisade/policy.json)"
        )?;
        if fits(self.packed) {
            write!(
                f,
                ", or set the variable to what `gzip -9c FILE | base64 -w0` says: about {packed} bytes"
            )
        } else {
            write!(
                f,
                "; base64 of its gzip is about {packed} bytes, which is too long as well"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_fits_as_long_as_the_variables_that_go_with_it_do() {
        let most = ENVIRONMENT - 15 - 23 - 21;
        assert!(TooLong::of(&vec![b' '; most]).is_none());
        let text = TooLong::of(&vec![b' '; most + 1]).unwrap().to_string();
        assert!(
            text.contains(": 4,038 bytes, and Lambda takes 4,096 for"),
            "{text}"
        );
        assert!(text.contains("gzip -9c"), "{text}");
    }
}
