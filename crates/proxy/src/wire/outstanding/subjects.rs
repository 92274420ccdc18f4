//! What was last believed about which statement, by number: a long pipeline need not be searched
//! for each of its messages.

use std::collections::HashMap;
use std::hash::Hash;

use super::{Belief, Name};
use crate::wire::statements::Id;

/// So many numbers may be out of date before they are looked through.
const FEW: usize = 64;

/// The number of the latest belief about each statement.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    names: HashMap<Name, u64>,
    ids: HashMap<Id, u64>,
    /// Of the unnamed statement: what took its place, and that the server has it again.
    own: u64,
    again: u64,
    /// At this size what was answered is thrown away.
    sweep_at: usize,
}

impl Subjects {
    /// Notes what was asked for by `number`; everything before `oldest` has been answered.
    pub(super) fn note(&mut self, belief: &Belief, number: u64, oldest: u64) {
        match belief {
            Belief::Nothing | Belief::Spoken(_) | Belief::Closed(_) => return,
            Belief::Prepared(statement) => {
                self.ids.insert(statement.id, number);
            }
            Belief::Named { name, statement, .. } => {
                self.names.insert(Name::clone(name), number);
                self.ids.insert(statement.id, number);
            }
            Belief::Dropped(name, _) => {
                self.names.insert(Name::clone(name), number);
            }
            Belief::Own(_) | Belief::Lost(_) => self.own = number,
            Belief::Again(_) => self.again = number,
        }
        if self.sweep_at < self.len() {
            sweep(&mut self.names, oldest);
            sweep(&mut self.ids, oldest);
            self.sweep_at = 2 * self.len() + FEW;
        }
    }

    /// The numbers of what was last believed about a statement, if there is any.
    pub(super) fn latest(&self, name: &[u8], id: Option<Id>) -> impl Iterator<Item = u64> {
        let unnamed = name.is_empty().then_some([self.own, self.again]);
        let named = self.names.get(name).copied();
        let known = id.and_then(|id| self.ids.get(&id).copied());
        unnamed.into_iter().flatten().chain(named).chain(known)
    }

    /// How many numbers are kept by name.
    pub(super) fn len(&self) -> usize {
        self.names.len() + self.ids.len()
    }
}

fn sweep<K: Eq + Hash>(numbers: &mut HashMap<K, u64>, oldest: u64) {
    numbers.retain(|_, number| oldest <= *number);
}
