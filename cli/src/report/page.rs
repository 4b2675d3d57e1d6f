//! The page: markup, style and script are files beside this one, and the data is JSON that no parser of HTML can take for markup.

use serde::Serialize;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the browser lets run, and nothing else (CSP Level 3 §2.3.1). The tests say what they must be.
const STYLE_HASH: &str = "sha256-pPP8cq76rJVio+6P7cZGqbanho3I/VYUfjxlAL5edzo=";
const SCRIPT_HASH: &str = "sha256-c16L5+AAKp12P9liAg4jYaRzHogGFf6YkXN36WwO1yY=";

/// The whole page.
pub fn page(data: &impl Serialize) -> Result<String, serde_json::Error> {
    let data = embedded(&serde_json::to_string(data)?);
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + data.len());
    // In one pass, so that nothing in the data can be taken for a place to fill.
    for (index, part) in PAGE.split('@').enumerate() {
        page.push_str(match (index % 2, part) {
            (1, "STYLE-HASH") => STYLE_HASH,
            (1, "SCRIPT-HASH") => SCRIPT_HASH,
            (1, "STYLE") => STYLE,
            (1, "SCRIPT") => SCRIPT,
            (1, "DATA") => &data,
            _ => part,
        });
    }
    Ok(page)
}

/// Within `<script>` only `<` can end or begin anything (HTML §13.2.5.4). What acts on a viewer of the source is escaped as well.
fn embedded(json: &str) -> String {
    crate::output::safe_json(json)
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_browser_is_told_the_digests_of_style_and_script() {
        for (text, hash) in [(STYLE, STYLE_HASH), (SCRIPT, SCRIPT_HASH)] {
            let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
            assert_eq!(hash, format!("sha256-{digest}"));
        }
    }
}
