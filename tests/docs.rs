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
fn every_setting_of_the_server_is_documented() {
    let sources = source::all().unwrap();
    let (config, operate) = (page(&sources, "app/server/src/config.rs"), page(&sources, "docs/operate.md"));
    let own: BTreeSet<&str> = config.split("env = \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(own.len() > 30, "the settings are not read rightly");
    for name in &own {
        assert!(operate.contains(&format!("`{name}`")), "docs/operate.md lacks `{name}`");
    }
    let settings = operate.split("## Settings").nth(1).unwrap().split("\n## ").next().unwrap();
    for name in settings.split('`').skip(1).step_by(2).filter(|name| name.starts_with("PRECIS_")) {
        assert!(own.contains(name), "docs/operate.md documents `{name}`, which is no setting");
    }
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
