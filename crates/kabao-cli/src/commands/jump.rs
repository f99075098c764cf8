//! `APPID:PATH`: a page of a mini program.

use kabao::card_member::JumpInformation;

/// Reads a page, for clap. An appid has no colon.
pub(crate) fn parse(text: &str) -> Result<JumpInformation, String> {
    match text.split_once(':') {
        Some((appid, path)) if !appid.is_empty() && !path.is_empty() => {
            Ok(JumpInformation::new(appid, path))
        }
        _ => Err("write APPID:PATH, such as wxea9c30a90fs8d3fe:/pages/points/points".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_have_colons_of_its_own() {
        let page = parse("wx1:/pages/points?from=a:b").expect("a page");
        assert_eq!(page, JumpInformation::new("wx1", "/pages/points?from=a:b"));
        for wrong in ["wx1", "wx1:", ":/pages", ""] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
