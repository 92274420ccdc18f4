//! Whatever could be a migration is read or refused by name, before anything is sent.

use std::fs;
use std::os::unix::fs::symlink;

use expect_test::{Expect, expect};
use lakegate_tests::House;

/// How a bootstrap of this folder ends before it sends anything.
async fn check(house: &House, folder: &str, expected: Expect) {
    house.forget().await;
    let arguments = ["bootstrap", "plan", "--migrations", folder];
    let run = house.lakegate(arguments).run().await.exits(2).prints("");
    expected.assert_eq(&house.told(&run.stderr));
    assert_eq!(house.counts().await["connections"], 0, "{folder}");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let house = House::open().await;
    let at = |name: &str| house.folder().join(name);
    house.write("upper/0001_a.SQL", "SELECT 1;");
    check(&house, "upper", expect![[""]]).await;
    house.write("below/0001_a.sql", "SELECT 1;");
    house.write("below/more/0002_b.sql", "SELECT 1;");
    check(&house, "below", expect![[""]]).await;
    fs::create_dir_all(at("folder/0001_a.sql")).unwrap();
    check(&house, "folder", expect![[""]]).await;
    house.write("linked/README.md", "");
    symlink("nowhere", at("linked/0001_a.sql")).unwrap();
    check(&house, "linked", expect![[""]]).await;
    house.write("latin/0001_a.sql", "");
    fs::write(at("latin/0001_a.sql"), b"-- ok\n-- caf\xe9\n").unwrap();
    check(&house, "latin", expect![[""]]).await;
    house.write("empty/0001_a.sql", "\u{feff}\r\n");
    check(&house, "empty", expect![[""]]).await;
    fs::create_dir(at("none")).unwrap();
    check(&house, "none", expect![[""]]).await;
    check(&house, "absent", expect![[""]]).await;
    house.write("schema.txt", "CREATE TABLE a (id int);");
    check(&house, "schema.txt", expect![[""]]).await;
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let house = House::open().await;
    for number in 1..=1_001 {
        house.write(&format!("many/{number}_a.sql"), "SELECT 1;");
    }
    check(&house, "many", expect![[""]]).await;
    for number in 1..=2 {
        house.write(
            &format!("large/{number}_a.sql"),
            &"-- 32 bytes in a line, no less.\n".repeat(1 << 19),
        );
    }
    house.write("large/3_a.sql", "--");
    check(&house, "large", expect![[""]]).await;
}

#[tokio::test]
async fn links_are_followed_as_kubernetes_makes_them() {
    let house = House::open().await;
    house.set_up().await;
    house.write("mounted/..2026_11_22/0001_a.sql", "CREATE TABLE a (id int);");
    let at = |name: &str| house.folder().join("mounted").join(name);
    symlink("..2026_11_22", at("..data")).unwrap();
    symlink("..data/0001_a.sql", at("0001_a.sql")).unwrap();
    house.write("mounted/notes/README.md", "No migrations here.");
    let arguments = ["bootstrap", "apply", "--migrations", "mounted"];
    let run = house.lakegate(arguments).run().await.exits(0);
    assert!(run.stdout.contains("done: run 0001_a.sql\n"), "{run:?}");
}
