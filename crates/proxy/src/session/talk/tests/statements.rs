//! Prepared statements that follow their client.

use super::*;

#[test]
fn a_statement_gets_a_name_of_ours() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "D a", "B a", "E", "S"], &["P * select 1", "D *", "B *", "E", "S"]);
    rig.hears("1tn2CZ", "1tn2CZ");
    rig.says(&["B a", "E", "S"], &["B *", "E", "S"]);
    rig.hears("2CZ", "2CZ");
    assert!(rig.talk.owed.is_idle());
}

#[test]
fn a_statement_is_prepared_where_it_is_missing() {
    let registry = Arc::default();
    let mut rig = Rig::new(&registry, 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    let first = std::mem::take(&mut rig.server);
    rig.says(&["B a", "E", "S"], &["P * select 1", "B *", "E", "S"]);
    rig.hears("12CZ", "2CZ");
    // Another client has an equal statement, and its server has it.
    let mut other = Rig::new(&registry, 2);
    other.server = first;
    other.says(&["P b select 1", "B b", "E", "S"], &["B *", "E", "S"]);
    other.hears("2CZ", "12CZ");
}

#[test]
fn an_answer_of_ours_comes_in_its_turn() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["P b select 2", "P c select 1", "C a", "D c", "S"], &["P * select 2", "D *", "S"]);
    rig.hears("1", "113");
    rig.hears("tnZ", "tnZ");
}

#[test]
fn what_failed_was_not_prepared() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a selec", "P b select 2", "S"], &["P * selec", "P * select 2", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["P a selec", "P b select 2", "S"], &["P * selec", "P * select 2", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["B b", "S"], &["B b", "S"]);
}

#[test]
fn what_was_skipped_has_not_happened() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    // The server has it, so this would be answered here; but the batch failed before.
    rig.says(&["B -", "P b select 1", "C a", "S"], &["C -", "B -", "S"]);
    rig.hears("3EZ", "EZ");
    rig.says(&["B b", "S"], &["B b", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["B a", "E", "S"], &["B *", "E", "S"]);
    rig.hears("2CZ", "2CZ");
    // After an error was seen, the rest of the batch is thrown away by the server.
    rig.says(&["B nosuch", "H"], &["B nosuch", "H"]);
    rig.hears("E", "E");
    rig.says(&["P c select 3", "S", "B c", "S"], &["P c select 3", "S", "B c", "S"]);
}

#[test]
fn a_text_waits_for_the_batch_in_which_it_was_prepared() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "P b select 2", "S"], &["P * select 1", "P * select 2", "S"]);
    rig.hears("11Z", "11Z");
    // The name is closed in the same batch; but its new text may turn out to be missing.
    rig.says(
        &["B -", "P a select 3", "S", "C b", "P b select 3", "B b", "S"],
        &["C -", "B -", "P * select 3", "P * select 3", "S", "H"],
    );
    rig.hears("3EZ", "EZ3");
    assert_eq!(told(&rig.resume()), ["P * select 3", "B *", "S"]);
    rig.hears("12Z", "12Z");
}

#[test]
fn an_error_speaks_of_the_name_that_the_client_used() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "P b select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "11Z");
    for (said, name) in [("B a", "a"), ("D b", "b"), ("B b", "b"), ("P a select 2", "a")] {
        let sent = rig.send(&[message_of(said), message_of("S")].concat(), usize::MAX);
        // What comes first is ours, where there is something to prepare.
        let (tag, ours) = frames(&sent).next().unwrap();
        let prepares = told(&sent).len() == 3;
        let of_statement = if tag == b'P' { ours } else { &ours[1..] };
        let of_ours = String::from_utf8(split_nul(of_statement).unwrap().0.to_vec()).unwrap();
        let error = message(b'E', format!("SERROR\0Mabout \"{of_ours}\"\0\0").as_bytes());
        let before = answer_of(b'1').into_iter().filter(|_| prepares);
        let heard = [&before.collect::<Vec<_>>()[..], &error, &answer_of(b'Z')].concat();
        let expected = message(b'E', format!("SERROR\0Mabout \"{name}\"\0\0").as_bytes());
        let seen = rig.answer(&heard, usize::MAX);
        assert_eq!(seen, [&expected[..], &answer_of(b'Z')].concat(), "{said}");
    }
}

#[test]
fn a_second_statement_by_the_same_name_is_refused_by_the_server() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["P a select 2", "S"], &["P * select 2", "P * select 2", "S"]);
    rig.hears("1EZ", "EZ");
    rig.says(&["B a", "E", "S"], &["B *", "E", "S"]);
}

#[test]
fn an_unnamed_statement_follows_its_client() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P - select 1", "S"], &["P - select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["B -", "E", "S"], &["B -", "E", "S"]);
    rig.hears("2CZ", "2CZ");
    rig.server = Server::default();
    rig.says(&["D -", "B -", "E", "S"], &["P - select 1", "D -", "B -", "E", "S"]);
    rig.hears("1tn2CZ", "tn2CZ");
    // A simple query drops it.
    rig.says(&["Q select 2"], &["Q select 2"]);
    rig.hears("CZ", "CZ");
    rig.says(&["B -", "S"], &["C -", "B -", "S"]);
    rig.hears("3EZ", "EZ");
}

#[test]
fn an_unnamed_statement_outlives_what_was_skipped() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P - select 1", "S"], &["P - select 1", "S"]);
    rig.hears("1Z", "1Z");
    for skipped in ["P - select 2", "Q select 2"] {
        rig.says(&["B nosuch", skipped, "S"], &["B nosuch", skipped, "S"]);
        rig.hears("EZ", "EZ");
        rig.says(&["B -", "S"], &["P - select 1", "B -", "S"]);
        rig.hears("12Z", "2Z");
    }
    // One that fails itself takes the other with it.
    rig.says(&["D -", "P - selec", "S"], &["D -", "P - selec", "S"]);
    rig.hears("tnEZ", "tnEZ");
    rig.says(&["B -", "S"], &["C -", "B -", "S"]);
}

#[test]
fn an_unnamed_statement_outlives_its_skipped_copy() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P - select 1", "S"], &["P - select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.server = Server::default();
    rig.says(&["B nosuch", "B -", "S"], &["B nosuch", "P - select 1", "B -", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["B -", "S"], &["P - select 1", "B -", "S"]);
    rig.hears("12Z", "2Z");
}

#[test]
fn of_many_unnamed_statements_that_were_skipped_none_is_left() {
    let mut rig = Rig::new(&Arc::default(), 1);
    let batch = ["B nosuch", "P - select 1", "S"];
    rig.says(&[batch, batch].concat(), &[batch, batch].concat());
    rig.hears("EZEZ", "EZEZ");
    rig.says(&["B -", "S"], &["C -", "B -", "S"]);
}

#[test]
fn a_known_statement_waits_for_what_may_fail_its_transaction() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["B a", "E", "S", "P b select 1", "S"], &["B *", "E", "S"]);
    rig.hears("2EF", "2EZ");
    assert_eq!(told(&rig.resume()), ["C *", "P * select 1", "S"]);
}

#[test]
fn nobody_uses_the_unnamed_statement_of_another() {
    let registry = Arc::default();
    let mut rig = Rig::new(&registry, 1);
    rig.says(&["P - select 'secret'", "S"], &["P - select 'secret'", "S"]);
    rig.hears("1Z", "1Z");
    let mut other = Rig::new(&registry, 2);
    other.server = rig.server;
    other.says(&["B -", "E", "S"], &["C -", "B -", "E", "S"]);
    other.hears("3EZ", "EZ");
}

#[test]
fn the_oldest_statement_is_closed_for_the_next() {
    let mut rig = Rig::new(&Arc::default(), 1);
    for number in 0..500 {
        rig.send(&message_of(&format!("P a{number} select {number}")), usize::MAX);
        rig.hears("1", "1");
    }
    rig.says(&["P b select b", "S"], &["C *", "P * select b", "S"]);
    rig.hears("31Z", "1Z");
    rig.says(&["B a0", "S"], &["C *", "P * select 0", "B *", "S"]);
    // The `Parse` fails, and with it what came later; the `Close` before it holds.
    rig.hears("3EZ", "EZ");
    rig.says(&["B a0", "S"], &["P * select 0", "B *", "S"]);
}
