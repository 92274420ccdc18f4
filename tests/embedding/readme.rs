//! What the READMEs show is what runs here.

use lakegate_tests::root;

/// The files that each README shows as a whole, in order.
const SHOWN: &[(&str, &[&str])] = &[
    ("README.md", &["tests/embedding/js/token.mjs"]),
    (
        "wit/README.md",
        &[
            "tests/embedding/rust/main.rs",
            "tests/embedding/js/host.mjs",
            "tests/embedding/js/token.mjs",
        ],
    ),
];

#[test]
fn the_readmes_show_the_examples_as_they_are() {
    for (readme, files) in SHOWN {
        let text = std::fs::read_to_string(root().join(readme)).unwrap();
        let shown: Vec<_> = text.split("<!-- shows ").skip(1).map(block).collect();
        assert_eq!(shown.iter().map(|(path, _)| *path).collect::<Vec<_>>(), *files, "{readme}");
        for (path, text) in shown {
            let file = std::fs::read_to_string(root().join(path)).unwrap();
            assert_eq!(text, file.trim_end(), "{path} in {readme}");
        }
    }
}

/// The path that a marker names, and the text between the fences that follow it.
fn block(part: &str) -> (&str, &str) {
    let (path, rest) = part.split_once(" -->\n```").unwrap();
    let (_language, rest) = rest.split_once('\n').unwrap();
    (path, rest.split_once("\n```").unwrap().0)
}
