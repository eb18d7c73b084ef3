//! Tasks are named in their folders and in the lists of them, nowhere else.

use precis_tests::paths;

/// Words that name a task.
const NAMES: [&str; 3] = ["summar", "embedding", "rerank"];
/// Folders that work for any task.
const BLIND: [&str; 4] = ["app/server/src/pipeline", "app/server/src/jobs", "app/server/src/http", "app/store/src"];

#[test]
fn what_works_for_any_task_names_none() {
    let mut named = Vec::new();
    for folder in BLIND {
        for entry in std::fs::read_dir(paths::root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            // A sample of what is stored names what was bought.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_lowercase();
            // The crate of all models is called by one of them.
            let names_task =
                |line: &str| NAMES.iter().any(|name| line.replace("precis_summarize::", "").contains(name));
            let lines = code.lines().zip(1..).filter(|(line, _)| names_task(line));
            named.extend(lines.map(|(line, number)| format!("{}:{number}: {}", path.display(), line.trim())));
        }
    }
    assert!(named.is_empty(), "{named:#?}");
}
