//! Settings never show in answers or logs: of a URL only scheme, host and port are told.

/// The same text with every URL in it cut to scheme, host and port: user, path and query can hold keys.
pub fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let end = after.find(|c: char| c.is_whitespace() || "\"'`<>()[]{}|,;".contains(c) && !in_address(after, c));
        let (url, later) = after.split_at(end.unwrap_or(after.len()));
        out.push_str(before);
        out.push_str(host(url));
        rest = later;
    }
    out.push_str(rest);
    out
}

/// Brackets belong to a URL only around an IPv6 address.
fn in_address(after: &str, c: char) -> bool {
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    let bare = authority.rsplit('@').next().unwrap_or_default();
    matches!(c, '[' | ']') && bare.starts_with('[')
}

/// Host and port behind a scheme; nothing where it is not certain what they are.
fn host(url: &str) -> &str {
    let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
    // A password with a slash in it would make its first part look like a host.
    if url[authority.len()..].contains('@') {
        return "…";
    }
    authority.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_without_what_may_be_secret() {
        for (text, told) in [
            ("no url here", "no url here"),
            ("https://rpc.example unreachable", "https://rpc.example unreachable"),
            ("(http://u:p@rpc.example:8545/v2/KEY?k=KEY): refused", "(http://rpc.example:8545): refused"),
            ("a postgres://u:p/w@db.example/x b", "a postgres://… b"),
            ("`https://[::1]:8545/KEY` and https://two.example/KEY.", "`https://[::1]:8545` and https://two.example"),
            ("https://rpc.example/?to=a@KEY", "https://…"),
        ] {
            assert_eq!(urls(text), told);
        }
    }
}
