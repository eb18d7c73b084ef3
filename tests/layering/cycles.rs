//! No import cycles between the modules of a crate: whatever a file takes from another, it can be read, and changed, without
//! being taken from in turn.
//!
//! The rule holds at every level of the tree of modules. At each level the nodes are the folder's own file (`mod.rs`, `lib.rs`)
//! and its children, each with everything below it; an edge is a name that one takes from another. The edges have no cycle.
//! So siblings, and whole folders, use each other in one direction; and of a folder's own file and a child of it either may
//! use the other, but not both.
//!
//! What is no edge: `mod child;`, and a `pub use` that only hands on what is below (a name is followed through it to the file
//! that defines it); the use of a module as a namespace; links in comments; and items under `#[cfg(test)]`, which may use
//! anything. A module in the text of another file belongs to that file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::metadata;
use crate::modules::Crate;

/// The root files of all libraries and programs of the workspace.
fn roots() -> Vec<PathBuf> {
    let metadata = metadata(&["--no-deps"]);
    let targets = metadata["packages"].as_array().unwrap().iter().flat_map(|p| p["targets"].as_array().unwrap());
    let shipped = targets.filter(|target| {
        let kinds = target["kind"].as_array().unwrap();
        kinds.iter().any(|kind| ["lib", "rlib", "cdylib", "bin"].contains(&kind.as_str().unwrap()))
    });
    shipped.map(|target| target["src_path"].as_str().unwrap().into()).collect()
}

#[test]
fn no_modules_of_a_crate_import_each_other_in_a_cycle() {
    let (mut files, mut edges, mut found) = (0, 0, Vec::new());
    for root in roots() {
        let read = Crate::read(&root);
        let (more_files, more_edges) = read.size();
        (files, edges) = (files + more_files, edges + more_edges);
        found.extend(read.cycles().into_iter().map(|cycle| format!("{}: {cycle}", root.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    assert!(files > 400 && edges > 1_000, "read only {files} files and {edges} imports");
}

/// A crate of these files, by their paths below the root.
fn of(files: &[(&str, &str)]) -> Crate {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    Crate::of(&|path: &[String]| files[path.join("/").as_str()].to_owned())
}

fn cycles(files: &[(&str, &str)]) -> Vec<String> {
    of(files).cycles()
}

#[test]
fn siblings_that_take_from_each_other_are_a_cycle_however_it_is_written() {
    let defined = "pub struct A; impl A { fn f(b: B) {} }";
    for (a, b) in [
        (format!("use crate::b::B; {defined}"), "use super::a::A; pub struct B(A);"),
        (format!("use super::{{b::{{B as B}}, c::C}}; {defined}"), "pub struct B; fn f(a: crate::a::A) {}"),
        (format!("use super::b::*; {defined}"), "pub struct B; mod inner { use super::super::a::A; }"),
        (format!("use crate::B; {defined}"), "use super::a; pub struct B; fn f() { a::A::f(B); }"),
        (format!("use super::b::B; {defined}"), "pub struct B(#[serde(with = \"crate::a::A\")] u8);"),
        (format!("use super::b::B; {defined}"), "#[cfg(not(test))] use crate::a::{A}; pub struct B;"),
    ] {
        let root = "mod a; mod b; mod c; pub use b::B;";
        let found = cycles(&[("", root), ("a", &a), ("b", b), ("c", "pub struct C;")]);
        assert_eq!(found.len(), 1, "{a} / {b}: {found:?}");
        assert!(found[0].starts_with("cycle in crate: crate::a, crate::b\n"), "{found:?}");
        assert!(found[0].contains("crate::a takes B from crate::b"), "{found:?}");
    }
}

#[test]
fn folders_that_take_from_each_other_are_a_cycle_though_no_two_files_are() {
    let found = cycles(&[
        ("", "mod x; mod y;"),
        ("x", "mod one; mod two;"),
        ("y", "pub mod three; pub mod four;"),
        ("x/one", "use crate::y::three::Three; pub struct One(Three);"),
        ("x/two", "pub struct Two;"),
        ("y/three", "pub struct Three;"),
        ("y/four", "use crate::x::two::Two; pub struct Four(Two);"),
    ]);
    assert_eq!(
        found,
        [
            "cycle in crate: crate::x, crate::y\n  crate::x::one takes Three from crate::y::three\n  crate::y::four takes Two from crate::x::two"
        ]
    );
}

#[test]
fn a_folders_file_and_its_child_take_from_each_other_in_one_direction_only() {
    let child = "use super::Above; pub struct Below(Above);";
    let tree = |above: &str| cycles(&[("", "mod x;"), ("x", above), ("x/below", child)]);
    assert!(tree("mod below; pub use below::Below; pub struct Above;").is_empty(), "a face takes nothing");
    let found = tree("mod below; pub use below::Below; pub struct Above; fn f(b: Below) {}");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("cycle in crate::x: crate::x, crate::x::below\n"), "{found:?}");
}

#[test]
fn tests_comments_texts_and_namespaces_are_no_imports() {
    let a = "//! [`crate::b::B`]\n/* crate::b::B */ pub struct A; const T: &str = \"see crate::b::B\";
        #[cfg(test)] mod tests { use crate::b::B; } #[cfg(test)] use crate::b::B; pub(in crate::b) fn f() {}
        use super::b as c; use std::fmt; fn g<'b>(b: &'b str) { fmt::b(b) }";
    let found = cycles(&[("", "mod a; mod b;"), ("a", a), ("b", "use super::a::A; pub struct B(A);")]);
    assert!(found.is_empty(), "{found:?}");
}
