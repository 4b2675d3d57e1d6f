//! Braces multiplied out, with a bound: `{a,b}{c,d}` is four alternatives.

use super::syntax::Token;
use super::{BadGlob, MAX_ALTERNATIVES};

/// Flat lists of tokens, without [`Token::Alternates`].
pub(crate) fn expand(tokens: &[Token]) -> Result<Vec<Vec<Token>>, BadGlob> {
    let mut done: Vec<Vec<Token>> = vec![Vec::new()];
    for token in tokens {
        let Token::Alternates(branches) = token else {
            for list in &mut done {
                list.push(token.clone());
            }
            continue;
        };
        let mut tails = Vec::new();
        for branch in branches {
            tails.extend(expand(branch)?);
            bounded(tails.len())?;
        }
        bounded(done.len().saturating_mul(tails.len()))?;
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

fn bounded(count: usize) -> Result<(), BadGlob> {
    if count > MAX_ALTERNATIVES {
        return Err(BadGlob {
            message: "the braces stand for more than 1,000 alternatives",
            expected: "fewer braces, or several patterns",
        });
    }
    Ok(())
}
