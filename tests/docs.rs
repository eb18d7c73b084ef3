//! README and `docs/` say what is so: links lead somewhere, promises name tests, every setting is documented.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use precis_tests::paths;
use precis_tests::source::{self, Source};

/// Most words of the README; the rest belongs in `docs/`.
const MAX_README_WORDS: usize = 800;

fn pages(sources: &[Source]) -> Vec<&Source> {
    let is_page = |path: &str| path == "README.md" || (path.starts_with("docs/") && path.ends_with(".md"));
    sources.iter().filter(|source| is_page(&source.path)).collect()
}

fn page<'a>(sources: &'a [Source], path: &str) -> &'a str {
    &sources.iter().find(|source| source.path == path).unwrap().text
}

#[test]
fn the_readme_is_an_entrance() {
    let sources = source::all().unwrap();
    let words = page(&sources, "README.md").split_whitespace().count();
    assert!(words <= MAX_README_WORDS, "README.md has {words} words");
}

#[test]
fn every_link_of_readme_and_docs_leads_to_a_file() {
    let sources = source::all().unwrap();
    let mut links = 0;
    for page in pages(&sources) {
        let folder = paths::root().join(&page.path).parent().unwrap().to_owned();
        for rest in page.text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap();
            let (file, _heading) = target.split_once('#').unwrap_or((target, ""));
            if file.contains("://") || file.is_empty() {
                continue;
            }
            links += 1;
            assert!(folder.join(file).exists(), "{} links to {target}", page.path);
        }
    }
    assert!(links > 20, "only {links} links found");
}

#[test]
fn every_script_that_the_readme_names_exists_and_every_script_is_named() {
    let sources = source::all().unwrap();
    let readme = page(&sources, "README.md");
    let commands = readme.split("## Commands").nth(1).unwrap();
    let named: BTreeSet<&str> =
        commands.split("`./scripts/").skip(1).map(|rest| rest.split([' ', '`']).next().unwrap()).collect();
    let helpers = ["lib.sh", "balances.py", "evaluate.py", "fetch-model", "peers"];
    let entries = std::fs::read_dir(paths::root().join("scripts")).unwrap();
    let names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let there: BTreeSet<&str> = names.iter().map(String::as_str).filter(|name| !helpers.contains(name)).collect();
    assert_eq!(named, there);
}

#[test]
fn the_tables_of_the_settings_are_what_the_code_says() {
    let sources = source::all().unwrap();
    let operate = page(&sources, "docs/operate.md");
    let (_, rest) = operate.split_once("<!-- settings -->\n").unwrap();
    let (tables, _) = rest.split_once("<!-- /settings -->\n").unwrap();
    let code = precis_server::config::documentation();
    assert!(tables == code, "put what `precis-server settings` prints between the marks in docs/operate.md");
}

/// Names between backticks that could be variables.
fn named_variables(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with(precis_server::names::PREFIX) && *word != precis_server::names::PREFIX)
        .filter(is_name)
}

#[test]
fn every_variable_that_readme_and_docs_name_is_read() {
    let sources = source::all().unwrap();
    let own = precis_server::config::variables();
    let mut named = 0;
    for page in pages(&sources) {
        for name in named_variables(&page.text) {
            named += 1;
            let known = own.iter().any(|own| own == name) || precis_server::names::OF_OTHERS.contains(&name);
            assert!(known, "{} names {name}, which nothing reads", page.path);
        }
    }
    assert!(named > 10, "{named}");
}

#[test]
fn every_promise_names_tests_that_exist() {
    let sources = source::all().unwrap();
    let table = page(&sources, "docs/guarantees.md").split("## What does not hold").next().unwrap();
    let mut rows = 0;
    for line in table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise")) {
        rows += 1;
        let names: Vec<&str> = line.split('|').nth(2).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {line}");
        for name in names {
            let definition = format!("fn {name}(");
            let exists = sources.iter().any(|source| source.path.ends_with(".rs") && source.text.contains(&definition));
            assert!(exists, "docs/guarantees.md names `{name}`, which does not exist");
        }
    }
    assert!(rows > 60, "{rows} promises");
}
