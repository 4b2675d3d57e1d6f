//! Braces multiplied out, with a bound: `{a,b}{c,d}` is four alternatives.

use super::syntax::Token;
use super::{BadGlob, MAX_ALTERNATIVES};
use alloc::vec;
use alloc::vec::Vec;

/// All alternatives together, in tokens: a function with 128 MB of memory holds them at its start.
const MAX_TOKENS: usize = 1 << 18;

/// Flat lists of tokens, without [`Token::Alternates`].
pub(crate) fn expand(tokens: &[Token]) -> Result<Vec<Vec<Token>>, BadGlob> {
    let mut done: Vec<Vec<Token>> = vec![Vec::new()];
    let mut total = 0;
    for token in tokens {
        let Token::Alternates(branches) = token else {
            total += done.len();
            bounded(done.len(), total)?;
            for list in &mut done {
                list.push(token.clone());
            }
            continue;
        };
        let mut tails = Vec::new();
        let mut ends = 0;
        for branch in branches {
            let more = expand(branch)?;
            ends += more.iter().map(Vec::len).sum::<usize>();
            tails.extend(more);
            bounded(tails.len(), ends)?;
        }
        // Neither factor is larger than its bound, so nothing overflows.
        total = total * tails.len() + ends * done.len();
        bounded(done.len() * tails.len(), total)?;
        done = done
            .iter()
            .flat_map(|head| {
                tails
                    .iter()
                    .map(move |tail| head.iter().chain(tail).cloned().collect())
            })
            .collect();
    }
    Ok(done)
}

fn bounded(count: usize, tokens: usize) -> Result<(), BadGlob> {
    if count > MAX_ALTERNATIVES {
        return Err(BadGlob {
            message: "the braces stand for more than 1,000 alternatives",
            expected: "fewer braces, or several patterns",
        });
    }
    if tokens > MAX_TOKENS {
        return Err(BadGlob {
            message: "the braces stand for more than 256 KiB of text",
            expected: "fewer braces, or several patterns",
        });
    }
    Ok(())
}
