//! `lakegate run` starts any program with the database at hand, and ends as that program does.

use lakegate_tests::{House, Program};
use rustix::process::Signal;

use crate::until;

/// `lakegate run` with a script.
fn run(house: &House, script: &str) -> Program {
    house.lakegate(["run", "--", "sh", "-c", script])
}

#[tokio::test]
async fn which_connects_by_what_it_finds() {
    let house = House::open().await;
    house.set_up().await;
    let who = "psql -Atc 'SELECT current_user, current_database()'";
    let expected = format!("{}|{}\n", house.principal(), house.env("POSTGRES_DB"));
    run(&house, who).run().await.exits(0).prints(&expected);

    let schema = house.env("POSTGRES_DB_SCHEMA");
    let path = "psql \"$DATABASE_URL\" -Atc 'SHOW search_path'; psql -Atc 'SHOW search_path'";
    let expected = format!("\"{schema}\"\n\"{schema}\"\n");
    run(&house, path).run().await.exits(0).prints(&expected);

    // What the caller wishes for the session holds.
    let own = run(&house, "psql -Atc 'SHOW search_path'").env("PGOPTIONS", "-csearch_path=mine");
    own.run().await.exits(0).prints("mine\n");
}

#[tokio::test]
async fn and_nobody_else_on_the_machine_does() {
    let house = House::open().await;
    house.set_up().await;
    let script = "unset PGPASSWORD; psql -wc 'SELECT 1' || PGPASSWORD=guessed psql -c 'SELECT 1'";
    let run = run(&house, script).run().await.exits(2).prints("");
    assert!(run.stderr.contains("no password supplied"), "{}", run.stderr);
    assert!(run.stderr.contains("password authentication failed"), "{}", run.stderr);
}

#[tokio::test]
async fn through_a_proxy_in_the_mode_it_is_told() {
    let house = House::open().await;
    house.set_up().await;
    // One server connection, two clients at a time.
    let script = "printf 'SELECT 1;\\n\\\\! psql -Atc \"SELECT 2\"\\n' | psql -At";
    let shared = ["run", "--pool", "transaction", "--pool-size", "1", "--", "sh", "-c", script];
    house.lakegate(shared).run().await.exits(0).prints("1\n2\n");
}

#[tokio::test]
async fn and_ends_with_its_code() {
    let house = House::open().await;
    house.set_up().await;
    run(&house, "exit 7").run().await.exits(7).prints("");
    run(&house, "kill -KILL $$").run().await.exits(137);
    let missing = house.lakegate(["run", "--", "there-is-none"]).run().await;
    missing.exits(127).complains("lakegate: error: there-is-none was not found\n");
    let folder = house.lakegate(["run", "--", "/"]).run().await.exits(126);
    assert!(folder.stderr.starts_with("lakegate: error: / cannot be run: "), "{}", folder.stderr);
}

#[tokio::test]
async fn which_gets_every_signal() {
    let house = House::open().await;
    house.set_up().await;
    for (name, signal) in [
        ("TERM", Signal::TERM),
        ("INT", Signal::INT),
        ("HUP", Signal::HUP),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("WINCH", Signal::WINCH),
    ] {
        // A shell looks at its signals when what it waits for in the background is not over. That may
        // still be a copy of the shell, which would swallow any other signal but KILL.
        let script = format!(
            "trap 'echo {name}; kill -9 $!; exit 3' {name}; tail -f /dev/null & echo up; wait"
        );
        let mut running = run(&house, &script).start();
        assert_eq!(running.line().await, "up");
        running.signal(signal);
        running.end().await.exits(3).prints(&format!("up\n{name}\n"));
    }
}

#[tokio::test]
async fn which_ends_when_lakegate_is_killed() {
    let house = House::open().await;
    house.set_up().await;
    let script = "trap 'echo told; kill -9 $!; exit' TERM; tail -f /dev/null & echo up; wait";
    let mut running = run(&house, script).start();
    assert_eq!(running.line().await, "up");
    // The program was started first.
    until(async || {
        tokio::task::yield_now().await;
        is_tied(running.id())
    })
    .await;
    running.signal(Signal::KILL);
    assert_eq!(running.line().await, "told");
    let ended = running.end().await.prints("up\ntold\n");
    assert_eq!(ended.code, None);
}

/// Whether this process has started the shell that tells the program of its end.
fn is_tied(lakegate: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{lakegate}/task")).unwrap();
    let children =
        |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("children"));
    let children = threads.flatten().flat_map(children).collect::<String>();
    children.split_whitespace().any(|child| {
        let arguments = std::fs::read_to_string(format!("/proc/{child}/cmdline"));
        arguments.is_ok_and(|arguments| arguments.contains("lakegate-lifeline"))
    })
}

#[tokio::test]
async fn which_is_not_started_when_there_is_no_database() {
    let house = House::open().await;
    let run = run(&house, "echo started").run().await.exits(1).prints("");
    assert!(run.stderr.contains("database \"app_ontos\" does not exist"), "{}", run.stderr);
    assert!(run.stderr.contains("Run `lakegate setup` as an admin"), "{}", run.stderr);
    house.lakegate(["--port", "70000", "run", "--", "true"]).run().await.exits(2);
    let denied = house.lakegate(["run", "--", "true"]).env("DATABRICKS_CLIENT_SECRET", "wrong");
    let (run, token) = (
        denied.run().await.exits(1).prints(""),
        house.lakegate(["token"]).env("DATABRICKS_CLIENT_SECRET", "wrong").run().await.exits(1),
    );
    assert_eq!(house.told(&run.stderr), house.told(&token.stderr), "both fail with the same words");
}
