//! The modules of a crate, what each file of it takes from which other, and the cycles among them.
//!
//! Names are followed to the file that defines them: through `use`, through the `pub use` of a folder's face, through `*`. What
//! a method call or an inferred type reaches is not seen; such a thing is seldom had without its name being written somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::tokens::{self, Token};

/// A crate: its modules, the root first. A module in the text of its parent shares its parent's file.
pub struct Crate {
    modules: Vec<Module>,
}

#[derive(Default)]
struct Module {
    parent: usize,
    /// The module whose file it stands in: itself, unless it stands in the text of another.
    file: usize,
    /// From the crate's root, `crate` included.
    path: Vec<String>,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    uses: Vec<Use>,
    /// Every path in the code, single names included.
    mentions: BTreeSet<Vec<String>>,
}

/// One name that is brought in.
struct Use {
    path: Vec<String>,
    /// `*` for all.
    name: String,
    public: bool,
}

/// What a path leads to: a module, or something that a module defines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Module(usize),
    Item(usize),
}

/// Words before the name of something that is defined.
const DEFINING: [&str; 8] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static"];
/// Names are followed through at most this many `use`.
const LONGEST_CHAIN: usize = 16;

impl Crate {
    /// The crate whose root is the file `root`.
    ///
    /// # Panics
    /// When a file of it cannot be read.
    pub fn read(root: &Path) -> Self {
        let dir = root.parent().unwrap();
        let load = |parts: &[String]| {
            let mut path: PathBuf = dir.to_owned();
            path.extend(parts);
            let candidates = [path.with_extension("rs"), path.join("mod.rs")];
            let candidates = if parts.is_empty() { vec![root.to_owned()] } else { candidates.to_vec() };
            let found = candidates.iter().find_map(|path| std::fs::read_to_string(path).ok());
            assert!(found.is_some(), "no file for the module {parts:?} of {}", root.display());
            found.unwrap()
        };
        Self::of(&load)
    }

    /// The crate whose modules `load` gives by their path below the root.
    pub fn of(load: &impl Fn(&[String]) -> String) -> Self {
        let root = Module { path: vec!["crate".into()], ..Module::default() };
        let mut read = Self { modules: vec![root] };
        let tokens = tokens::shipped(&load(&[]));
        read.enter(0, &tokens, load);
        read
    }

    /// Takes in the text of a module.
    fn enter(&mut self, own: usize, mut tokens: &[Token], load: &impl Fn(&[String]) -> String) {
        let (mut earlier, mut before) = (Token::Sign(';'), Token::Sign(';'));
        let mut public = false;
        while let Some((first, rest)) = tokens.split_first() {
            let name = rest.first().and_then(|token| match token {
                Token::Word(word) => Some(word.clone()),
                _ => None,
            });
            let mut length = 1;
            match (first, name) {
                (Token::Word(word), Some(name)) if word == "mod" => {
                    let inline = rest.get(1).is_some_and(|token| token.is_sign('{'));
                    let child = self.child(own, &name, inline);
                    length = 3;
                    if inline {
                        let after = tokens::after_group(&rest[1..]);
                        length = tokens.len() - after.len();
                        self.enter(child, &tokens[3..length - 1], load);
                    } else {
                        let text = load(&self.modules[child].path[1..]);
                        self.enter(child, &tokens::shipped(&text), load);
                    }
                }
                (Token::Word(word), _) if word == "use" => {
                    length = 1 + rest.iter().position(|token| token.is_sign(';')).unwrap_or(rest.len());
                    self.modules[own].bring(&rest[..length - 1], public);
                }
                (Token::Word(word), _) if word == "pub" => length = visibility(tokens),
                // `const fn` and the like: the last of them has the name.
                (Token::Word(word), Some(name))
                    if DEFINING.contains(&word.as_str()) && DEFINING.contains(&name.as_str()) => {}
                (Token::Word(word), Some(name)) if DEFINING.contains(&word.as_str()) => {
                    self.modules[own].items.insert(name);
                    length = 2;
                }
                (Token::Word(word), None) if word == "macro_rules" => {
                    if let Some(Token::Word(name)) = rest.get(1) {
                        self.modules[own].items.insert(name.clone());
                    }
                    length = 3;
                }
                // Not a member: `a.b`; but `..b` is a name.
                (Token::Word(_), _) if !before.is_sign('.') || earlier.is_sign('.') => {
                    let (path, taken) = path(tokens);
                    length = taken;
                    if path.len() > 1 || is_mention(&path[0], tokens.get(taken)) {
                        self.modules[own].mentions.insert(path);
                    }
                }
                _ => {}
            }
            public = first.is("pub");
            let length = length.min(tokens.len());
            earlier = std::mem::replace(&mut before, tokens[length - 1].clone());
            tokens = &tokens[length..];
        }
    }

    fn child(&mut self, parent: usize, name: &str, inline: bool) -> usize {
        let own = self.modules.len();
        let mut path = self.modules[parent].path.clone();
        path.push(name.to_owned());
        let file = if inline { self.modules[parent].file } else { own };
        self.modules.push(Module { parent, file, path, ..Module::default() });
        self.modules[parent].children.insert(name.to_owned(), own);
        own
    }

    /// What each file takes from which other: the names, by the two modules.
    fn edges(&self) -> BTreeMap<(usize, usize), BTreeSet<String>> {
        let mut edges: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (own, module) in self.modules.iter().enumerate() {
            let declared = module.uses.iter().map(|brought| {
                let target = self.resolve(own, &brought.path, 0);
                // The face of a folder hands on what is below it, and takes nothing.
                let face = brought.public && target.is_some_and(|target| self.is_below(target, own));
                (brought.path.last(), target.filter(|_| !face))
            });
            let mentioned = module.mentions.iter().map(|path| (path.last(), self.resolve(own, path, 0)));
            for (name, target) in declared.chain(mentioned) {
                let (Some(name), Some(Target::Item(target))) = (name, target) else { continue };
                let (from, to) = (module.file, self.modules[target].file);
                if from != to {
                    edges.entry((from, to)).or_default().insert(name.clone());
                }
            }
        }
        edges
    }

    fn is_below(&self, (Target::Module(target) | Target::Item(target)): Target, own: usize) -> bool {
        self.modules[target].path.starts_with(&self.modules[own].path)
    }

    fn resolve(&self, own: usize, path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(own),
            "super" => Target::Module(self.modules[own].parent),
            name => self.lookup(own, name, rest.is_empty(), depth)?,
        };
        for (index, name) in rest.iter().enumerate() {
            let Target::Module(module) = found else { break };
            found = match name.as_str() {
                "self" => found,
                "super" => Target::Module(self.modules[module].parent),
                // What a macro defines there, or comes from another crate through there, is taken from there.
                name => self.lookup(module, name, index + 1 == rest.len(), depth).unwrap_or(Target::Item(module)),
            };
        }
        Some(found)
    }

    /// What `name` is in a module. A module and a function may share a name: at the end of a path it is the function.
    fn lookup(&self, own: usize, name: &str, at_end: bool, depth: usize) -> Option<Target> {
        if depth > LONGEST_CHAIN {
            return None;
        }
        let module = &self.modules[own];
        let child = module.children.get(name).map(|&child| Target::Module(child));
        let item = || module.items.contains(name).then_some(Target::Item(own));
        let brought = || {
            let named = module.uses.iter().filter(|brought| brought.name == name);
            let found: Vec<_> = named.filter_map(|brought| self.resolve(own, &brought.path, depth + 1)).collect();
            let wanted = |target: &&Target| matches!(target, Target::Item(_)) == at_end;
            found.iter().find(wanted).or(found.first()).copied()
        };
        let globbed = || {
            let all = module.uses.iter().filter(|brought| brought.name == "*");
            all.filter_map(|brought| match self.resolve(own, &brought.path, depth + 1)? {
                Target::Module(from) if from != own => self.lookup(from, name, at_end, depth + 1),
                _ => None,
            })
            .next()
        };
        let other = || item().or_else(brought).or_else(globbed);
        if at_end { other().or(child) } else { child.or_else(other) }
    }

    /// Every cycle, as lines that say who takes what from whom.
    ///
    /// At each level of the tree the file of a folder and its children, each with all that is below it, stand for one node each.
    pub fn cycles(&self) -> Vec<String> {
        let edges = self.edges();
        let mut found = Vec::new();
        for level in 0..self.modules.len() {
            let mut graph: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            for &(from, to) in edges.keys() {
                if let (Some(from), Some(to)) = (self.within(level, from), self.within(level, to))
                    && from != to
                {
                    graph.entry(from).or_default().insert(to);
                }
            }
            for cycle in cycles(&graph) {
                let names: Vec<_> = cycle.iter().map(|&node| self.name(node)).collect();
                let mut lines = vec![format!("cycle in {}: {}", self.name(level), names.join(", "))];
                for (&(from, to), taken) in &edges {
                    let ends = (self.within(level, from), self.within(level, to));
                    let (Some(above), Some(below)) = ends else { continue };
                    if above != below && cycle.contains(&above) && cycle.contains(&below) {
                        let taken: Vec<_> = taken.iter().map(String::as_str).collect();
                        lines.push(format!("  {} takes {} from {}", self.name(from), taken.join(", "), self.name(to)));
                    }
                }
                found.push(lines.join("\n"));
            }
        }
        found
    }

    /// The node that stands for `module` among the children of `level`.
    fn within(&self, level: usize, module: usize) -> Option<usize> {
        let length = self.modules[level].path.len();
        let path = &self.modules[module].path;
        if !path.starts_with(&self.modules[level].path) {
            return None;
        }
        path.get(length).map_or(Some(level), |name| self.modules[level].children.get(name).copied())
    }

    fn name(&self, module: usize) -> String {
        self.modules[module].path.join("::")
    }

    /// How many files it has, and how often one takes something from another.
    pub fn size(&self) -> (usize, usize) {
        let files = self.modules.iter().enumerate().filter(|(own, module)| module.file == *own).count();
        (files, self.edges().len())
    }
}

impl Module {
    /// Takes in the tree of a `use`.
    fn bring(&mut self, tokens: &[Token], public: bool) {
        let mut names = Vec::new();
        tree(&mut &tokens[..], &[], &mut names);
        self.uses.extend(names.into_iter().map(|(path, name)| Use { path, name, public }));
    }
}

/// Every path of a tree, with the name that it has here.
fn tree(tokens: &mut &[Token], above: &[String], names: &mut Vec<(Vec<String>, String)>) {
    let mut path = above.to_vec();
    let mut name = None;
    while let Some((first, rest)) = tokens.split_first() {
        *tokens = rest;
        match first {
            Token::Word(word) if word == "as" => {
                if let Some((Token::Word(other), rest)) = tokens.split_first() {
                    name = Some(other.clone());
                    *tokens = rest;
                }
            }
            Token::Word(word) if word == "self" && path.len() > above.len().min(1) && path == above => {}
            Token::Word(word) => path.push(word.clone()),
            Token::Sign('*') => name = Some("*".to_owned()),
            Token::Sign('{') => {
                while tokens.first().is_some_and(|token| !token.is_sign('}')) {
                    tree(tokens, &path, names);
                }
                *tokens = tokens.get(1..).unwrap_or_default();
                if tokens.first().is_some_and(|token| token.is_sign(',')) {
                    *tokens = &tokens[1..];
                }
                return;
            }
            Token::Sign(',') => break,
            _ => {}
        }
        if tokens.first().is_some_and(|token| token.is_sign('}')) {
            break;
        }
    }
    if let Some(name) = name.or_else(|| path.last().cloned()) {
        names.push((path, name));
    }
}

/// Length of the visibility that `tokens` begin with.
fn visibility(tokens: &[Token]) -> usize {
    let scope = ["crate", "self", "super", "in"];
    let is_scoped = tokens.get(1).is_some_and(|token| token.is_sign('('))
        && tokens.get(2).is_some_and(|token| scope.iter().any(|word| token.is(word)));
    if is_scoped { tokens.len() - tokens::after_group(&tokens[1..]).len() } else { 1 }
}

/// Whether a single name, with what follows it, can be something that a module defines: no field, and no variable.
fn is_mention(name: &str, after: Option<&Token>) -> bool {
    let called = [Token::Sign('('), Token::Sign('!'), Token::Colons];
    match after {
        Some(Token::Sign(':')) => false,
        after => !name.starts_with(char::is_lowercase) || after.is_some_and(|token| called.contains(token)),
    }
}

/// The path that `tokens` begin with, and how many of them it is.
fn path(tokens: &[Token]) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut length = 0;
    while let Some(Token::Word(word)) = tokens.get(length) {
        path.push(word.clone());
        length += 1;
        match (tokens.get(length), tokens.get(length + 1)) {
            (Some(Token::Colons), Some(Token::Word(_))) => length += 1,
            _ => break,
        }
    }
    (path, length)
}

/// The nodes that reach each other, in groups of two or more.
fn cycles(graph: &BTreeMap<usize, BTreeSet<usize>>) -> Vec<BTreeSet<usize>> {
    let reached = |start: usize| {
        let (mut open, mut seen) = (vec![start], BTreeSet::new());
        while let Some(node) = open.pop() {
            open.extend(graph.get(&node).into_iter().flatten().filter(|&&next| seen.insert(next)));
        }
        seen
    };
    let reached: BTreeMap<usize, BTreeSet<usize>> = graph.keys().map(|&node| (node, reached(node))).collect();
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    for (&node, from_here) in &reached {
        if from_here.contains(&node) && !found.iter().any(|cycle| cycle.contains(&node)) {
            let back = |other: &&usize| reached.get(other).is_some_and(|all| all.contains(&node));
            found.push(from_here.iter().filter(back).copied().collect());
        }
    }
    found
}
