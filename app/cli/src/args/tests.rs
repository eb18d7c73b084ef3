//! The command line as it is parsed and shown.
#![allow(clippy::unwrap_used)]
use super::*;
use clap::CommandFactory as _;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help_is_what_was_reviewed() {
    let mut command = Cli::command();
    command.build();
    let mut text = command.render_help().to_string();
    for path in [
        &["verify"][..],
        &["quote"],
        &["summarize"],
        &["embed"],
        &["rerank"],
        &["receipt"],
        &["receipt", "verify"],
        &["policy"],
        &["policy", "from-release"],
    ] {
        let mut at = &mut command;
        for name in path {
            at = at.find_subcommand_mut(name).unwrap();
        }
        text.push_str(&format!("\n=== precis {} ===\n{}", path.join(" "), at.render_help()));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_order_is_either_placed_or_called_off() {
    for with in ["--no-wait", "--new-payment", "--again"] {
        assert!(Cli::try_parse_from(["precis", "summarize", "f", "--url", "http://x", "--cancel", with]).is_err());
    }
}

#[test]
fn a_program_that_asks_for_json_gets_it_even_when_the_rest_is_wrong() {
    let wants = |line: &str| wants_json(line.split(' ').map(OsString::from));
    for line in ["precis verify --json --nope", "precis x --format json", "precis quote --format=json"] {
        assert!(wants(line), "{line}");
    }
    for line in ["precis verify --nope", "precis x --format text", "precis quote f -- --json"] {
        assert!(!wants(line), "{line}");
    }
}

#[test]
fn no_option_takes_a_key_itself() {
    for parts in [
        &["precis", "summarize", "f", "--url", "http://x", "--key", "0xab"][..],
        &["precis", "summarize", "f", "--private-key", "0xab"],
    ] {
        assert!(Cli::try_parse_from(parts).is_err());
    }
}
