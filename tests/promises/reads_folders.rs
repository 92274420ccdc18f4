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
    check(
        &house,
        "upper",
        expect![[r#"
        lakegate: error: upper/0001_a.SQL looks like a migration and would be passed over
          Its name has to end in `.sql`, in lower case.
    "#]],
    )
    .await;
    house.write("below/0001_a.sql", "SELECT 1;");
    house.write("below/more/0002_b.sql", "SELECT 1;");
    check(
        &house,
        "below",
        expect![[r#"
        lakegate: error: below/more/0002_b.sql is in a folder below and would be passed over
          Move it up, or out of the folder of migrations.
    "#]],
    )
    .await;
    fs::create_dir_all(at("folder/0001_a.sql")).unwrap();
    check(
        &house,
        "folder",
        expect![[r#"
        lakegate: error: folder/0001_a.sql is no file
          Put the SQL into a file.
    "#]],
    )
    .await;
    house.write("linked/README.md", "");
    symlink("nowhere", at("linked/0001_a.sql")).unwrap();
    check(
        &house,
        "linked",
        expect![[r#"
        lakegate: error: linked/0001_a.sql cannot be read: No such file or directory (os error 2)
    "#]],
    )
    .await;
    house.write("latin/0001_a.sql", "");
    fs::write(at("latin/0001_a.sql"), b"-- ok\n-- caf\xe9\n").unwrap();
    check(
        &house,
        "latin",
        expect![[r#"
        lakegate: error: latin/0001_a.sql:2: not UTF-8 text
          Save the file as UTF-8.
    "#]],
    )
    .await;
    house.write("empty/0001_a.sql", "\u{feff}\r\n");
    check(
        &house,
        "empty",
        expect![[r#"
        lakegate: error: `0001_a.sql` is empty
          Nothing was run. Write its SQL into it, or a comment if there is nothing to do.
    "#]],
    )
    .await;
    fs::create_dir(at("none")).unwrap();
    check(
        &house,
        "none",
        expect![[r#"
        lakegate: error: there is no .sql file in none
    "#]],
    )
    .await;
    check(
        &house,
        "absent",
        expect![[r#"
        lakegate: error: absent cannot be read: No such file or directory (os error 2)
    "#]],
    )
    .await;
    house.write("schema.txt", "CREATE TABLE a (id int);");
    check(
        &house,
        "schema.txt",
        expect![[r#"
        lakegate: error: schema.txt is neither a folder nor a migration
          Name a folder, or a file whose name ends in `.sql`.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let house = House::open().await;
    for number in 1..=1_001 {
        house.write(&format!("many/{number}_a.sql"), "SELECT 1;");
    }
    check(
        &house,
        "many",
        expect![[r#"
        lakegate: error: there are more than 1000 migration files
          Nothing was run. Join old migrations into one, and load data in another way.
    "#]],
    )
    .await;
    for number in 1..=2 {
        house.write(
            &format!("large/{number}_a.sql"),
            &"-- 32 bytes in a line, no less.\n".repeat(1 << 19),
        );
    }
    house.write("large/3_a.sql", "--");
    check(
        &house,
        "large",
        expect![[r#"
        lakegate: error: the migrations in large are $NUMBER bytes; at most $NUMBER are taken
          Nothing was run. Join old migrations into one, and load data in another way.
    "#]],
    )
    .await;
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
