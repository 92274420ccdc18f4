//! Which file an error is about, and where in it.

use alloc::string::{String, ToString};

use crate::bootstrap::apply::{SCRIPT, run_title};
use crate::bootstrap::plan::{Origin, Statement};
use crate::edge::ServerError;
use crate::migrations::Place;

/// The file that an error is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Culprit {
    pub(super) name: String,
    /// Where in it, if Postgres told.
    pub(super) place: Option<Place>,
    /// The function or block that failed, in the words of Postgres.
    pub(super) frame: Option<String>,
}

impl Culprit {
    /// Finds the file. `None`: the error is about a statement of our own.
    pub(super) fn find(error: &ServerError, statement: &Statement) -> Option<Self> {
        let (name, place) = match &statement.origin {
            Origin::File { name, start } => {
                let sent = |number: u32| Place::of_char(&statement.sql, number as usize);
                let place = error.position.map(sent).or_else(|| quoted(&statement.sql, error));
                (name.as_str(), place.map(|place| place.from(*start)))
            }
            Origin::Block => in_block(error, statement)?,
        };
        let frame = frame(error, statement);
        Some(Self { name: name.to_string(), place, frame })
    }
}

/// The script that a block was running, and where in it.
fn in_block<'a>(error: &'a ServerError, block: &Statement) -> Option<(&'a str, Option<Place>)> {
    let query = error.internal_query.as_deref().and_then(|query| query.strip_prefix(SCRIPT));
    if let Some((name, text)) = query.and_then(|rest| rest.split_once('\n')) {
        return Some((name, in_script(name, text, error, block)));
    }
    // An error without a position, or one inside of a function: the call stack names the script.
    let (_, rest) = error.context.as_deref()?.split_once(SCRIPT)?;
    let name = rest.lines().next()?;
    let place = script(block, name).and_then(|(_, text)| quoted(text, error));
    Some((name, place))
}

/// What stands before a script in a block, and the script.
fn script<'a>(block: &'a Statement, name: &str) -> Option<(&'a str, &'a str)> {
    let title = run_title(name);
    let (step, text) = block.steps().find(|(step, _)| step.title == title)?;
    Some((&block.sql[..step.start()], text))
}

/// Where in the text of a script an error is that Postgres gives a place in it.
///
/// The place of a mistake in the body of a function it moves to the text that the client sent, and
/// then takes that for a place in the script. Only the word that it names tells one from the other.
fn in_script(name: &str, text: &str, error: &ServerError, block: &Statement) -> Option<Place> {
    let number = error.internal_position? as usize;
    let within = |before: usize| number.checked_sub(before).and_then(|it| Spot::new(text, it));
    let plain = within(SCRIPT.chars().count() + name.chars().count() + 1);
    let moved = script(block, name).and_then(|(before, _)| within(before.chars().count()));
    let named = |spot: &Spot<'_>| spot.is_named_in(&error.message);
    let spot = plain.filter(named).or(moved.filter(named)).or(plain).or(moved)?;
    Some(Place::after(spot.before))
}

/// A place in a text, or its end: some mistakes are there.
#[derive(Clone, Copy)]
struct Spot<'a> {
    before: &'a str,
    after: &'a str,
}

impl<'a> Spot<'a> {
    /// The character of this number, from 1.
    fn new(text: &'a str, number: usize) -> Option<Self> {
        let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let at = starts.nth(number.checked_sub(1)?)?;
        Some(Self { before: &text[..at], after: &text[at..] })
    }

    /// Whether what a message quotes first stands here.
    fn is_named_in(&self, message: &str) -> bool {
        let word = message.split('"').nth(1);
        word.is_some_and(|word| self.after.trim_start_matches('"').starts_with(word))
    }
}

/// The place in a statement within a function or block whose own text holds it just once.
fn quoted(text: &str, error: &ServerError) -> Option<Place> {
    let number = error.internal_position? as usize;
    let query = error.internal_query.as_deref()?;
    if let Some(before) = before_only(text, query) {
        return Some(Place::of_char(query, number).from(Place::after(before)));
    }
    // PL/pgSQL runs `PERFORM …` as `SELECT …`.
    let rest = query.strip_prefix(SELECT)?;
    let number = number.checked_sub(SELECT.len())?;
    let before = before_only(text, rest)?;
    let verb = before.get(before.len().checked_sub(PERFORM.len())?..)?;
    let place = Place::of_char(rest, number).from(Place::after(before));
    verb.eq_ignore_ascii_case(PERFORM).then_some(place)
}

const SELECT: &str = "SELECT";
const PERFORM: &str = "PERFORM";

/// What stands before the only occurrence of `part`.
fn before_only<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    let mut found = text.match_indices(part).map(|(at, _)| at);
    let (at, None) = (found.next()?, found.next()) else { return None };
    Some(&text[..at])
}

/// The innermost function or block of the script's own.
fn frame(error: &ServerError, statement: &Statement) -> Option<String> {
    let context = error.context.as_deref()?;
    let own = match statement.origin {
        Origin::File { .. } => context,
        // What comes after the script is the block that ran it.
        Origin::Block => context.split_once(SCRIPT)?.0,
    };
    let is_frame =
        |line: &&str| ["PL/pgSQL function ", "SQL function "].iter().any(|it| line.starts_with(it));
    own.lines().find(is_frame).map(str::to_string)
}
