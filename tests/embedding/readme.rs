//! What `wit/README.md` shows is what runs here.

use lakegate_tests::root;

/// The files that the README shows as a whole, in order.
const SHOWN: &[&str] = &[
    "tests/embedding/rust/main.rs",
    "tests/embedding/js/host.mjs",
    "tests/embedding/js/token.mjs",
];

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let readme = std::fs::read_to_string(root().join("wit/README.md")).unwrap();
    let shown: Vec<_> = readme.split("<!-- shows ").skip(1).map(block).collect();
    assert_eq!(shown.iter().map(|(path, _)| *path).collect::<Vec<_>>(), SHOWN);
    for (path, text) in shown {
        let file = std::fs::read_to_string(root().join(path)).unwrap();
        assert_eq!(text, file.trim_end(), "{path}");
    }
}

/// The path that a marker names, and the text between the fences that follow it.
fn block(part: &str) -> (&str, &str) {
    let (path, rest) = part.split_once(" -->\n```").unwrap();
    let (_language, rest) = rest.split_once('\n').unwrap();
    (path, rest.split_once("\n```").unwrap().0)
}
