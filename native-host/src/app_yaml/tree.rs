//! YAML as a tree in which everything knows its line.
//!
//! Trees of other libraries forget what a check is about: lines, whether a value was quoted, and a
//! key that is there twice.

use std::collections::BTreeMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

/// Deeper than any app.yaml; what is deeper would only fill the stack.
const DEPTH: usize = 32;

/// A value and where it begins.
#[derive(Debug)]
pub(super) struct Node {
    /// From 1.
    pub(super) line: usize,
    pub(super) shape: Shape,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Shape {
    /// A scalar; a plain one has no quotes and no tag, and may be taken for a number.
    Scalar {
        text: String,
        is_plain: bool,
    },
    List(Vec<Rc<Node>>),
    Map(Vec<Entry>),
}

/// A key and its value.
type Entry = (Rc<Node>, Rc<Node>);

/// Why a text is not one YAML document.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) message: String,
}

impl From<ScanError> for Mistake {
    fn from(error: ScanError) -> Self {
        Self { line: error.marker().line(), message: error.info().to_owned() }
    }
}

/// Reads the one document of a text; `None` if it has none.
pub(super) fn read(text: &str) -> Result<Option<Rc<Node>>, Mistake> {
    // Editors of some systems begin a file with it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: BTreeMap::new() };
    let mut root = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(root),
            (Event::Nothing | Event::StreamStart | Event::DocumentEnd, _) => {}
            (Event::DocumentStart(_), line) if root.is_some() => {
                return Err(mistake(line, "a second document begins here"));
            }
            (Event::DocumentStart(_), _) => {
                let (event, line) = reader.next()?;
                root = Some(reader.node(event, line, 0)?);
            }
            (_, line) => return Err(mistake(line, "nothing belongs here")),
        }
    }
}

fn mistake(line: usize, message: &str) -> Mistake {
    Mistake { line, message: message.to_owned() }
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    /// Shared, not copied: aliases of aliases would fill the memory.
    anchors: BTreeMap<usize, Rc<Node>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, usize), Mistake> {
        let next = self.events.next_event().transpose()?;
        let (event, span) = next.ok_or_else(|| mistake(1, "the text ends too early"))?;
        Ok((event, span.start.line()))
    }

    fn node(&mut self, event: Event<'t>, line: usize, depth: usize) -> Result<Rc<Node>, Mistake> {
        if depth == DEPTH {
            return Err(mistake(line, "it is nested too deep"));
        }
        let (shape, anchor) = match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                return known.ok_or_else(|| mistake(line, "an alias stands within its own anchor"));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                (Shape::Scalar { text: text.into_owned(), is_plain }, anchor)
            }
            Event::SequenceStart(anchor, _) => (Shape::List(self.list(depth)?), anchor),
            Event::MappingStart(anchor, _) => (Shape::Map(self.map(depth)?), anchor),
            _ => return Err(mistake(line, "a value is missing")),
        };
        let node = Rc::new(Node { line, shape });
        // Without an anchor it is 0.
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Rc<Node>>, Mistake> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Mistake> {
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                (Event::MappingEnd, _) => return Ok(entries),
                (event, line) => {
                    let key = self.node(event, line, depth + 1)?;
                    let (event, line) = self.next()?;
                    entries.push((key, self.node(event, line, depth + 1)?));
                }
            }
        }
    }
}

impl Node {
    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { text, .. } => Some(text),
            Shape::List(_) | Shape::Map(_) => None,
        }
    }

    /// Whether YAML reads this scalar as a text. Numbers, truth values and nothing are none, unless
    /// they are in quotes. Readers of YAML 1.1 take more for such values than those of 1.2; what one
    /// of them would, counts.
    pub(super) fn is_text(&self) -> bool {
        match &self.shape {
            Shape::Scalar { text, is_plain } => !is_plain || !is_other(text),
            Shape::List(_) | Shape::Map(_) => false,
        }
    }
}

fn is_other(plain: &str) -> bool {
    const WORDS: [&str; 11] =
        ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(plain)) || is_number(plain)
}

fn is_number(plain: &str) -> bool {
    let digits = plain.replace('_', "");
    let bare = digits.trim_start_matches(['+', '-']);
    let is = |radix: u32| move |digits: &str| u64::from_str_radix(digits, radix).is_ok();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)];
    bare.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && (bare.parse::<f64>().is_ok()
            || [".inf", ".nan"].iter().any(|word| word.eq_ignore_ascii_case(bare))
            || prefixed.iter().any(|(prefix, radix)| bare.strip_prefix(prefix).is_some_and(is(*radix)))
            // 1:30 is 90 to YAML 1.1.
            || bare.contains(':') && bare.split(':').all(is(10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree on one line: `@LINE` before every scalar, `!` before what is no text.
    fn shown(node: &Node) -> String {
        match &node.shape {
            Shape::Scalar { text, .. } => {
                format!("{}@{}{text}", if node.is_text() { "" } else { "!" }, node.line)
            }
            Shape::List(items) => {
                let items: Vec<_> = items.iter().map(|item| shown(item)).collect();
                format!("[{}]", items.join(" "))
            }
            Shape::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (shown(key), shown(value)));
                let entries: Vec<_> =
                    entries.map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match read(text) {
            Ok(root) => root.map_or("nothing".to_owned(), |root| shown(&root)),
            Err(Mistake { line, message }) => format!("line {line}: {message}"),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn everything_knows_its_line() {
        check("", "nothing");
        check("# nothing\n", "nothing");
        check("env:\n- name: A\n  value: 'b'\n", "{@1env: [{@2name: @2A, @3value: @3b}]}");
        check("\u{feff}a: [b,\n c]", "{@1a: [@1b @2c]}");
        check("a: 1\na: 2", "{@1a: !@11, @2a: !@22}");
        check("- &x a\n- *x", "[@1a @1a]");
    }

    #[test]
    fn mistakes_have_a_line_and_no_value() {
        check("a: 'b\n", "line 1: while scanning a quoted scalar, found unexpected end of stream");
        check("a: b\n---\nc: d\n", "line 2: a second document begins here");
        check("&x [*x]", "line 1: an alias stands within its own anchor");
        check(&"[".repeat(100), "line 1: it is nested too deep");
    }

    #[test]
    fn what_looks_like_a_number_is_one_unless_it_is_quoted() {
        for (text, is_text) in [
            ("5432", false),
            ("'5432'", true),
            ("\"5432\"", true),
            ("!!str 5432", true),
            ("-1.5e3", false),
            ("0x1F", false),
            ("1_000", false),
            ("12:30:00", false),
            (".5", false),
            ("true", false),
            ("No", false),
            ("~", false),
            ("app_ontos", true),
            ("5432a", true),
            ("e5", true),
            ("10.0.0.1", true),
            ("nano", true),
            ("|\n  5432", true),
        ] {
            let root = read(text).unwrap().unwrap();
            assert_eq!(root.is_text(), is_text, "{text}");
        }
    }
}
