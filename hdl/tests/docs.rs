//! The testplans in `hdl/docs` name tests that exist.
//!
//! A row's last column names tests, as `file::test` or `test` of any file in the folder that the table's head names. `…_end` is a test whose
//! name ends so, of the file named before it if one was; a name with `*` stands for many.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Names of a line between back quotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Test functions of a file, or of every file of a directory.
fn tests_of(path: &Path) -> Vec<String> {
    if path.is_dir() {
        let files = fs::read_dir(path).expect("a directory that can be read").map(|entry| entry.expect("readable").path());
        return files.flat_map(|file| tests_of(&file)).collect();
    }
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("fn ")?.split_once('(')).map(|(name, _)| name);
    names.map(str::to_owned).collect()
}

/// Names in the testplan of `page` that are no test, and how many names there are.
fn missing(root: &Path, page: &Path) -> (Vec<String>, usize) {
    let text = fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let (_, plan) = text.split_once("## Testplan").unwrap_or_else(|| panic!("{} has no testplan", page.display()));
    let (mut folder, mut place) = (PathBuf::new(), PathBuf::new());
    let (mut missing, mut names) = (Vec::new(), 0);
    for line in plan.lines() {
        let Some((_, column)) = line.trim().strip_suffix('|').and_then(|row| row.rsplit_once('|')) else { continue };
        if let Some(named) = quoted(column).find(|name| name.contains("tests/")) {
            folder = root.join(named);
            place = folder.clone();
            continue;
        }
        for name in quoted(column).filter(|name| !name.contains('*')) {
            let wanted = match name.rsplit_once("::") {
                Some((file, test)) => {
                    place = folder.join(format!("{}.rs", file.replace("::", "/")));
                    test
                }
                None => name,
            };
            names += 1;
            let tests = tests_of(&place);
            let found = match wanted.strip_prefix('…') {
                Some(end) => tests.iter().any(|test| test.ends_with(end)),
                None => tests.iter().any(|test| test == wanted),
            };
            if !found {
                missing.push(format!("{}: {wanted} in {}", page.display(), place.display()));
            }
        }
    }
    (missing, names)
}

#[test]
fn every_test_that_a_testplan_names_exists() {
    let hdl = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = hdl.parent().expect("the crate is in a workspace");
    let pages = fs::read_dir(hdl.join("docs")).expect("the folder is there").map(|entry| entry.expect("readable").path());
    let pages: BTreeSet<PathBuf> = pages.collect();
    let mut all_missing = Vec::new();
    for page in &pages {
        let (missing, names) = missing(root, page);
        assert!(names > 0, "{} names no test", page.display());
        all_missing.extend(missing);
    }
    assert!(all_missing.is_empty(), "\n{}", all_missing.join("\n"));
}
