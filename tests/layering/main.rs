//! The rules of the repository: who may depend on whom, what stands at the top, what may not stand anywhere.
#![allow(clippy::unwrap_used)]

mod cycles;
mod modules;
mod tasks;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use precis_tests::{paths, source};
use serde_json::Value;

/// Which crates of ours each crate may use. `precis-tests` may use any.
const INTERNAL: [(&str, &[&str]); 18] = [
    ("precis-protocol", &[]),
    ("precis-verify", &["precis-protocol", "precis-extract"]),
    ("precis-tls", &[]),
    ("precis-payment", &["precis-protocol", "precis-tls"]),
    ("precis-store", &["precis-protocol", "precis-tls"]),
    ("precis-channel", &["precis-protocol"]),
    ("precis-extract", &["precis-protocol"]),
    ("precis-rofl", &["precis-protocol", "precis-tls"]),
    ("precis-kernels", &[]),
    ("precis-engine", &["precis-kernels"]),
    ("precis-candle", &["precis-engine"]),
    ("precis-summarize", &["precis-kernels", "precis-engine", "precis-candle"]),
    (
        "precis-client",
        &["precis-protocol", "precis-verify", "precis-extract", "precis-payment", "precis-channel", "precis-rofl"],
    ),
    ("precis-cli", &["precis-protocol", "precis-verify", "precis-extract", "precis-client"]),
    ("precis-devnet", &["precis-protocol", "precis-verify"]),
    ("precis-web", &["precis-protocol", "precis-verify"]),
    (
        "precis-fuzz",
        &[
            "precis-protocol",
            "precis-verify",
            "precis-payment",
            "precis-extract",
            "precis-channel",
            "precis-engine",
            "precis-summarize",
        ],
    ),
    (
        "precis-server",
        &[
            "precis-protocol",
            "precis-verify",
            "precis-payment",
            "precis-extract",
            "precis-store",
            "precis-channel",
            "precis-rofl",
            "precis-engine",
            "precis-summarize",
        ],
    ),
];

/// What the pure crates may not reach, however indirectly.
const IMPURE: [&str; 9] =
    ["tokio", "axum", "reqwest", "hyper", "hyper-util", "tonic", "mio", "socket2", "alloy-provider"];

fn metadata(extra: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(extra)
        .current_dir(paths::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Direct dependencies of each workspace crate, without those of its tests.
fn direct() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().unwrap();
    let names = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap();
        let shipped = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
        shipped.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
    };
    packages.iter().map(|package| (package["name"].as_str().unwrap().to_owned(), names(package))).collect()
}

/// Everything `package` is built from, by the resolved graph.
fn reached(graph: &Value, package: &str) -> BTreeSet<String> {
    let name = |id: &str| {
        let packages = graph["packages"].as_array().unwrap();
        packages.iter().find(|p| p["id"] == id).unwrap()["name"].as_str().unwrap().to_owned()
    };
    let nodes: BTreeMap<&str, &Value> =
        graph["resolve"]["nodes"].as_array().unwrap().iter().map(|node| (node["id"].as_str().unwrap(), node)).collect();
    let start = nodes.keys().copied().find(|id| name(id) == package).unwrap();
    let (mut open, mut seen) = (vec![start], BTreeSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let shipped = dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
            if shipped {
                open.push(dependency["pkg"].as_str().unwrap());
            }
        }
    }
    seen.into_iter().map(name).collect()
}

#[test]
fn crates_depend_only_in_the_direction_of_the_design() {
    let direct = direct();
    let allowed: BTreeMap<&str, &[&str]> = INTERNAL.into_iter().collect();
    for (name, dependencies) in &direct {
        if name == "precis-tests" {
            continue;
        }
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no place in the design"));
        let ours: Vec<_> = dependencies.iter().filter(|dependency| dependency.starts_with("precis-")).collect();
        for dependency in ours {
            assert!(allowed.contains(&dependency.as_str()), "{name} may not depend on {dependency}");
        }
    }
    assert_eq!(direct.len(), INTERNAL.len() + 1, "a crate of the design is missing");
}

#[test]
fn outside_crates_are_named_only_where_the_design_says() {
    let direct = direct();
    for (dependency, allowed) in [
        ("axum", &["precis-server", "precis-devnet"][..]),
        ("alloy", &["precis-payment", "precis-devnet"]),
        ("revm", &["precis-devnet"]),
        ("candle-core", &["precis-engine", "precis-candle", "precis-summarize"]),
        ("candle-transformers", &["precis-engine", "precis-candle", "precis-summarize"]),
        ("redb", &["precis-store"]),
        ("ohttp", &["precis-channel"]),
        ("dcap-qvl", &["precis-verify", "precis-rofl", "precis-devnet", "precis-fuzz"]),
        ("tonic", &["precis-rofl", "precis-devnet"]),
        ("anyhow", &["precis-server", "precis-devnet", "precis-tests"]),
    ] {
        let naming: Vec<_> =
            direct.iter().filter(|(_, all)| all.contains(dependency)).map(|(name, _)| name.as_str()).collect();
        for name in &naming {
            assert!(allowed.contains(name), "{name} may not name {dependency}");
        }
        assert!(!naming.is_empty(), "nothing names {dependency}: the rule is out of date");
    }
    for name in ["precis-protocol", "precis-verify"] {
        assert!(
            !direct[name].contains("getrandom") && !direct[name].contains("rand"),
            "{name} is given its randomness"
        );
    }
    for name in ["precis-engine", "precis-candle", "precis-summarize", "precis-extract"] {
        assert!(
            !direct[name].contains("http") && !direct[name].contains("alloy-primitives"),
            "{name} knows no HTTP and no money"
        );
    }
}

#[test]
fn protocol_and_verify_reach_no_network() {
    let graph = metadata(&["--filter-platform", "x86_64-unknown-linux-gnu"]);
    for package in ["precis-protocol", "precis-verify"] {
        let reached = reached(&graph, package);
        for impure in IMPURE {
            assert!(!reached.contains(impure), "{package} reaches {impure}");
        }
    }
    assert!(reached(&graph, "precis-server").contains("tokio"), "the graph is not read rightly");
}

#[test]
fn pure_crates_touch_no_clock_file_network_or_environment() {
    let impure =
        ["SystemTime", "Instant::now", "std::fs", "std::net", "std::env", "std::thread", "std::process", "tokio"];
    let mut read = 0;
    for source in source::all()
        .unwrap()
        .iter()
        .filter(|s| ["app/protocol/src/", "app/verify/src/", "app/web/src/"].iter().any(|dir| s.path.starts_with(dir)))
    {
        if source.is_test() || !source.path.ends_with(".rs") {
            continue;
        }
        read += 1;
        for word in impure {
            let code = source.shipped().lines().filter(|line| !line.trim_start().starts_with("//"));
            assert!(!code.into_iter().any(|line| line.contains(word)), "{} uses {word}", source.path);
        }
    }
    assert!(read > 20, "read only {read} files");
}

#[test]
fn the_environment_is_read_in_one_place_of_each_program() {
    let allowed = ["app/server/src/config.rs", "app/cli/src/", "app/devnet/src/main.rs"];
    for source in source::all().unwrap().iter().filter(|source| source.path.ends_with(".rs") && !source.is_test()) {
        if source.shipped().contains("env::var") {
            assert!(allowed.iter().any(|path| source.path.starts_with(path)), "{} reads the environment", source.path);
        }
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    // Exported symbols are unsafe attributes: the crate of the WebAssembly module says which of its functions have one.
    // The kernels are the one place for unsafe code, and it says why.
    let reasons = ["unsafe_op_in_unsafe_fn = \"deny\"", "undocumented_unsafe_blocks = \"warn\""];
    let own: [(&str, &[&str]); 2] = [("app/web/Cargo.toml", &[]), ("model/kernels/Cargo.toml", &reasons)];
    for source in source::all().unwrap().iter().filter(|source| source.path.ends_with("/Cargo.toml")) {
        let inherits = source.text.contains("[lints]\nworkspace = true");
        assert!(inherits || own.iter().any(|(path, _)| source.path == *path), "{} has lints of its own", source.path);
    }
    let read = |path: &str| std::fs::read_to_string(paths::root().join(path)).unwrap();
    let lints = |text: &str, table: &str| {
        let body = text.split_once(&format!("{table}]\n")).unwrap().1.split("\n\n").next().unwrap().to_owned();
        body.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    for (path, more) in own {
        let mut found = BTreeSet::new();
        let mut expected: BTreeSet<String> = more.iter().map(|&lint| lint.to_owned()).collect();
        for table in ["lints.rust", "lints.clippy"] {
            expected.extend(lints(&read("Cargo.toml"), &format!("[workspace.{table}")));
            found.extend(lints(&read(path), &format!("[{table}")));
        }
        assert!(expected.remove("unsafe_code = \"forbid\"") && expected.insert("unsafe_code = \"deny\"".to_owned()));
        assert_eq!(found, expected, "{path}");
    }
    for source in source::all().unwrap().iter().filter(|source| source.path.starts_with("app/web/src/")) {
        assert!(!source.text.contains("unsafe {") && !source.text.contains("unsafe fn"), "{}", source.path);
    }
}

#[test]
fn nothing_is_taken_from_git_or_an_unknown_registry() {
    let lock = std::fs::read_to_string(paths::root().join("Cargo.lock")).unwrap();
    let sources: BTreeSet<_> = lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert!(sources.iter().all(|source| source.starts_with("\"registry+")), "{sources:?}");
}

#[test]
fn the_top_level_has_the_names_of_the_design_and_what_every_open_project_has() {
    let needed =
        BTreeSet::from(["Cargo.toml", "rofl.yaml", "compose.yaml", "app", "model", "tests", "scripts", "README.md"]);
    let usual = BTreeSet::from([
        "Cargo.lock",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "SECURITY.md",
        "clippy.toml",
        "deny.toml",
        "docs",
        "examples",
        "rust-toolchain.toml",
        "rustfmt.toml",
    ]);
    let entries = std::fs::read_dir(paths::root()).unwrap();
    let found: BTreeSet<_> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    let visible: BTreeSet<&str> =
        found.iter().map(String::as_str).filter(|name| !name.starts_with('.') && *name != "target").collect();
    assert!(visible.is_superset(&needed), "{:?} is missing", needed.difference(&visible));
    let allowed: BTreeSet<&str> = needed.union(&usual).copied().collect();
    assert!(visible.is_subset(&allowed), "{:?} does not belong there", visible.difference(&allowed));
    assert!(visible.contains("LICENSE"), "a licence is named in Cargo.toml and missing");
}

#[test]
fn no_source_file_is_longer_than_450_lines() {
    const LONGEST: usize = 450;
    let code = ["rs", "py", "mjs", "sol", "sh"];
    for source in source::all().unwrap() {
        let extension = source.path.rsplit('.').next().unwrap_or_default();
        let lines = source.text.lines().count();
        assert!(!code.contains(&extension) || lines <= LONGEST, "{} has {lines} lines", source.path);
    }
}

#[test]
fn no_file_names_a_registry_host_or_leaves_work_unsaid() {
    // Written in halves, so that this file does not name them.
    let words = [
        concat!("registry.np", "mjs"),
        concat!("pyp", "i.org"),
        concat!("pythonho", "sted"),
        concat!("crates.", "io"),
        concat!("deb.debi", "an"),
        concat!("/wor", "k/"),
        concat!("/roo", "t/."),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ign", "ore"),
        concat!("for no", "w,"),
    ];
    // Locks name the registry by its index; the licence and the tokenizer's vectors are text of others.
    let others = ["Cargo.lock", "tests/fuzz/libfuzzer/Cargo.lock", "LICENSE", "tests/vectors/tokenizer/"];
    for source in source::all().unwrap() {
        if others.iter().any(|path| source.path.starts_with(path)) {
            continue;
        }
        for word in words {
            assert!(!source.text.contains(word), "{} contains {word}", source.path);
        }
    }
}

#[test]
fn every_section_that_code_cites_exists() {
    let spec = std::fs::read_to_string(paths::root().join("app/protocol/SPEC.md")).unwrap();
    let heading = |line: &str| {
        let text = line.strip_prefix("## ").or_else(|| line.strip_prefix("- "))?;
        let number: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        Some(number.trim_end_matches('.').to_owned()).filter(|number| !number.is_empty())
    };
    let sections: BTreeSet<String> = spec.lines().filter_map(heading).collect();
    assert!(sections.contains("7.1") && sections.contains("10"), "the specification is not read rightly");
    let mut cited = 0;
    for source in source::all().unwrap().iter().filter(|source| source.path.ends_with(".rs")) {
        for rest in source.text.split("SPEC ").skip(1) {
            let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            let number = number.trim_end_matches('.');
            if !number.is_empty() {
                cited += 1;
                assert!(sections.contains(number), "{} cites SPEC {number}, which does not exist", source.path);
            }
        }
    }
    assert!(cited > 50, "only {cited} citations found");
}

#[test]
fn every_negative_test_that_the_specification_names_exists() {
    let spec = std::fs::read_to_string(paths::root().join("app/protocol/SPEC.md")).unwrap();
    let sources = source::all().unwrap();
    let is_test = |name: &str| {
        let definition = format!("fn {name}(");
        sources.iter().any(|source| source.path.ends_with(".rs") && source.text.contains(&definition))
    };
    let table = spec.split("- 8.5 ").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let mut rows = 0;
    for line in table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        rows += 1;
        assert_eq!(cells[1], rows.to_string(), "the rows are numbered");
        let names: Vec<&str> = cells[3].split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "row {rows} names no test");
        for name in names {
            assert!(is_test(name), "row {rows} names `{name}`, which does not exist");
        }
    }
    assert_eq!(rows, 31);
}
