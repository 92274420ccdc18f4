//! Reads statements word by word, and says what they do to a session's state.

use super::call::Call;
use super::lexer::{Lexer, Token};
use super::{Effect, Names, State};
use crate::wire::parameters::Parameters;

/// A reader in the middle of a text of one or more statements.
#[derive(Debug)]
pub(crate) struct Reader {
    lexer: Lexer,
    statement: Statement,
    effect: Effect,
    /// Whether the text opens or undoes a transaction: then what it ends may come back.
    undoable: bool,
}

/// The words that say what happens, of the statement that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Statement {
    head: Word,
    /// The two words before this one.
    last: [Word; 2],
    /// Whether what is set has been named.
    named: bool,
    /// That, if it follows its client.
    follows: Option<Names>,
    effect: Effect,
    temporary: bool,
    dropped_on_commit: bool,
    /// Open parentheses.
    depth: u32,
    /// A call of `set_config` that is being read.
    call: Option<Call>,
}

/// The words that matter somewhere.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Word {
    #[default]
    None,
    Abort,
    All,
    Authorization,
    Begin,
    Close,
    Commit,
    Create,
    Cursor,
    Deallocate,
    Declare,
    Default,
    Discard,
    Global,
    Hold,
    Insert,
    Into,
    Listen,
    Load,
    Local,
    Merge,
    On,
    Other,
    Prepare,
    Replace,
    Reset,
    Rollback,
    Session,
    Set,
    SetConfig,
    Start,
    Temp,
    Transaction,
    True,
    Unlisten,
    With,
}

impl Reader {
    /// A reader for a server with these parameters.
    pub(crate) fn new(parameters: &Parameters) -> Self {
        let backslash = parameters.get("standard_conforming_strings") == Some(b"off");
        Self {
            lexer: Lexer::new(backslash),
            statement: Statement::default(),
            effect: Effect::default(),
            undoable: false,
        }
    }

    /// What a whole text does.
    pub(crate) fn whole(text: &[u8], parameters: &Parameters) -> Effect {
        let mut reader = Self::new(parameters);
        reader.read(text, parameters);
        reader.end(parameters)
    }

    /// Reads the next piece of the text.
    pub(crate) fn read(&mut self, piece: &[u8], parameters: &Parameters) {
        let Self { lexer, statement, effect, undoable } = self;
        lexer.read(piece, &mut |token| match token {
            Token::Sign(b';') => {
                *undoable |= statement.is_undoable();
                if statement.undoes() {
                    *effect =
                        Effect { leaves: effect.leaves, ends: effect.ends, ..Effect::default() };
                }
                *effect = effect.then(statement.end());
            }
            Token::Sign(sign) => statement.sign(sign),
            Token::Literal(text) => statement.literal(text, parameters),
            Token::Word(word) => statement.word(word, Word::of(word), parameters),
            Token::Quoted(name) => statement.word(name, Word::of_quoted(name), parameters),
        });
    }

    /// The text is over: what it does.
    pub(crate) fn end(mut self, parameters: &Parameters) -> Effect {
        // A word or a comment is known to be over when something else comes.
        self.read(b"\n;", parameters);
        match self.undoable {
            true => Effect { ends: State::NONE, ..self.effect },
            false => self.effect,
        }
    }
}

impl Word {
    fn of(word: &[u8]) -> Self {
        match word {
            b"abort" => Self::Abort,
            b"all" => Self::All,
            b"authorization" => Self::Authorization,
            b"begin" => Self::Begin,
            b"close" => Self::Close,
            b"commit" => Self::Commit,
            b"create" => Self::Create,
            b"cursor" => Self::Cursor,
            b"deallocate" => Self::Deallocate,
            b"declare" => Self::Declare,
            b"default" => Self::Default,
            b"discard" => Self::Discard,
            b"global" => Self::Global,
            b"hold" => Self::Hold,
            b"insert" => Self::Insert,
            b"into" => Self::Into,
            b"listen" => Self::Listen,
            b"load" => Self::Load,
            b"local" => Self::Local,
            b"merge" => Self::Merge,
            b"on" => Self::On,
            b"prepare" => Self::Prepare,
            b"replace" => Self::Replace,
            b"reset" => Self::Reset,
            b"rollback" => Self::Rollback,
            b"session" => Self::Session,
            b"set" => Self::Set,
            b"start" => Self::Start,
            b"temp" | b"temporary" => Self::Temp,
            b"transaction" => Self::Transaction,
            b"true" => Self::True,
            b"unlisten" => Self::Unlisten,
            b"with" => Self::With,
            _ => Self::of_quoted(word),
        }
    }

    /// A name in quotes is never a keyword.
    fn of_quoted(name: &[u8]) -> Self {
        match name {
            b"set_config" => Self::SetConfig,
            _ => Self::Other,
        }
    }
}

impl Statement {
    fn word(&mut self, text: &[u8], word: Word, parameters: &Parameters) {
        self.call = self.call.map(Call::word);
        match self.head {
            Word::None => self.begin(word),
            Word::Set => self.set(text, word, parameters),
            _ => self.after_head(text, word),
        }
        self.anywhere(text, word);
        self.last = [word, self.last[0]];
    }

    fn begin(&mut self, word: Word) {
        self.head = word;
        match word {
            Word::Listen => self.leaves(State::LISTEN),
            Word::Load => self.leaves(State::LIBRARY),
            _ => {}
        }
    }

    /// What follows `SET`: the first name that is not `SESSION` is what is set.
    fn set(&mut self, text: &[u8], word: Word, parameters: &Parameters) {
        let after_session = self.last[0] == Word::Session;
        if self.named {
            return self.set_to(text, word);
        }
        if word == Word::Session && !after_session {
            return;
        }
        self.named = true;
        match (word, text) {
            // All these end with the transaction.
            (Word::Local | Word::Transaction, _) | (_, b"constraints") => {}
            (Word::Authorization, _) | (_, b"role" | b"session_authorization") => {
                self.leaves(State::ROLE);
            }
            (_, name) => match followed(meant(name), parameters) {
                Some(names) => self.sets(names),
                None => self.leaves(State::SETTING),
            },
        }
    }

    /// What it is set to: words that mean the value from the beginning of the session.
    fn set_to(&mut self, text: &[u8], word: Word) {
        let local = text == b"local" && self.follows == Some(Names::of("TimeZone"));
        if let Some(names) = self.follows.filter(|_| word == Word::Default || local) {
            self.resets(names);
        }
    }

    fn after_head(&mut self, text: &[u8], word: Word) {
        let second = self.last[0] == self.head;
        match (self.head, word) {
            (Word::Prepare, Word::Transaction) if second => {}
            (Word::Prepare, _) if second => self.leaves(State::PREPARED),
            (Word::Declare, Word::Hold) if self.last[0] == Word::With => self.leaves(State::CURSOR),
            (Word::Discard, Word::All) if second => {
                self.ends(State::ALL);
                self.resets(Names::ALL);
            }
            (Word::Discard, Word::Temp) if second => self.ends(State::TEMPORARY),
            (Word::Reset, Word::All) if second => {
                self.ends(State::SETTING);
                self.resets(Names::ALL);
            }
            // These are no settings, though `role` is nearly one.
            (Word::Reset, Word::Session | Word::Transaction) => {}
            (Word::Reset, _) if second && text != b"role" => self.resets(names_of(meant(text))),
            (Word::Close, Word::All) if second => self.ends(State::CURSOR),
            (Word::Deallocate, Word::All) => self.ends(State::PREPARED),
            _ => {}
        }
    }

    fn anywhere(&mut self, text: &[u8], word: Word) {
        match (self.last, word) {
            // A table may have this name: `INSERT INTO temp`.
            ([Word::Into, Word::Insert | Word::Merge], Word::Temp) => {}
            (
                [Word::Create | Word::Replace | Word::Global | Word::Local | Word::Into, _],
                Word::Temp,
            ) => self.temporary = true,
            ([Word::Commit, Word::On], _) if text == b"drop" => self.dropped_on_commit = true,
            _ => {}
        }
        match text {
            b"pg_temp" if self.head == Word::Create => self.leaves(State::TEMPORARY),
            b"pg_advisory_lock"
            | b"pg_advisory_lock_shared"
            | b"pg_try_advisory_lock"
            | b"pg_try_advisory_lock_shared" => self.leaves(State::LOCK),
            b"pg_advisory_unlock_all" => self.ends(State::LOCK),
            _ => {}
        }
    }

    fn literal(&mut self, text: &[u8], parameters: &Parameters) {
        self.call = self.call.map(|call| call.literal(|| followed(text, parameters)));
        self.last = [Word::Other, self.last[0]];
    }

    fn sign(&mut self, sign: u8) {
        match sign {
            b'*' if self.last[0] == Word::Unlisten => self.ends(State::LISTEN),
            b'(' => self.opens(),
            b')' => self.closes(),
            _ => self.call = self.call.map(|call| call.sign(sign)),
        }
        // A sign stands between two words, but not between `set_config` and what opens it.
        self.last = [Word::None, Word::None];
    }

    fn opens(&mut self) {
        self.depth += 1;
        let opens = self.last[0] == Word::SetConfig;
        if opens && self.call.is_some() {
            // One within another: too much to follow.
            self.leaves(State::SETTING);
        }
        self.call = match opens {
            true => Some(Call::new(self.depth)),
            false => self.call.map(|call| call.sign(b'(')),
        };
    }

    fn closes(&mut self) {
        if let Some(call) = self.call.take_if(|call| call.is_at(self.depth)) {
            // Only a plain `true` as the last argument is known to end with the transaction.
            let ends = self.last == [Word::True, Word::None];
            match call.follows() {
                _ if ends => {}
                Some(names) => self.sets(names),
                None => self.leaves(State::SETTING),
            }
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn is_undoable(&self) -> bool {
        matches!(self.head, Word::Abort | Word::Begin | Word::Rollback | Word::Start)
    }

    /// Whether nothing is set or reset any more by what came before.
    fn undoes(&self) -> bool {
        matches!(self.head, Word::Abort | Word::Rollback)
    }

    fn leaves(&mut self, leaves: State) {
        self.effect = self.effect.then(Effect { leaves, ..Effect::default() });
    }

    fn ends(&mut self, ends: State) {
        self.effect = self.effect.then(Effect { ends, ..Effect::default() });
    }

    fn sets(&mut self, sets: Names) {
        self.follows = Some(sets);
        let sets = sets.without(Names::OTHER);
        self.effect = self.effect.then(Effect { sets, ..Effect::default() });
    }

    fn resets(&mut self, resets: Names) {
        self.effect = self.effect.then(Effect { resets, ..Effect::default() });
    }

    /// The statement is over: what it does. The next one begins.
    fn end(&mut self) -> Effect {
        if self.temporary && !self.dropped_on_commit {
            self.leaves(State::TEMPORARY);
        }
        if self.call.is_some() {
            self.leaves(State::SETTING);
        }
        std::mem::take(self).effect
    }
}

/// The setting that is meant by a name, or by the first word of other ways to say it.
fn meant(name: &[u8]) -> &[u8] {
    match name {
        b"names" => b"client_encoding",
        b"time" => b"timezone",
        b"schema" => b"search_path",
        name => name,
    }
}

/// The setting by this name, if it follows its client.
fn followed(name: &[u8], parameters: &Parameters) -> Option<Names> {
    let name = str::from_utf8(name).ok().filter(|name| parameters.follows(name))?;
    Some(Names::of(name))
}

fn names_of(name: &[u8]) -> Names {
    str::from_utf8(name).map_or(Names::OTHER, Names::of)
}
