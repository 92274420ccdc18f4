//! The state of an instance. Spin keeps one for many requests, or makes one for each: what is here
//! is a cache, and what must outlive it is in the key-value store.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use crate::door::Door;
use crate::keys::Keys;
use crate::last::LastBootstrap;
use crate::problem::{Fault, Type};
use crate::sealed::Cache;
use crate::settings::Settings;

/// The state of an instance: all that is worked out once.
pub(crate) struct Instance {
    pub(crate) settings: Rc<Settings>,
    pub(crate) keys: Keys,
    pub(crate) connector: Rc<Door>,
    pub(crate) cache: Cache,
    pub(crate) last: RefCell<LastBootstrap>,
}

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

/// The state of this instance, made at the first call.
///
/// One whose settings could not all be read is not kept: the next call reads them again.
pub(crate) async fn get() -> Rc<Instance> {
    if let Some(instance) = made() {
        return instance;
    }
    let instance = Rc::new(Instance::make().await);
    if instance.fault().is_some() {
        return instance;
    }
    // Of requests that came here at once, the first to be ready wins; the others take its own.
    INSTANCE.with(|cell| Rc::clone(cell.get_or_init(|| instance)))
}

/// The state of this instance, if it was made.
pub(crate) fn made() -> Option<Rc<Instance>> {
    INSTANCE.with(|cell| cell.get().cloned())
}

impl Instance {
    async fn make() -> Self {
        let settings = Rc::new(Settings::read().await);
        let cache = Cache::look(&settings).await;
        Self {
            keys: Keys::read(&settings),
            connector: Rc::new(Door::new(Rc::clone(&settings))),
            cache,
            last: RefCell::default(),
            settings,
        }
    }

    /// Why nothing can be served, if the host could not read a variable.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let name = self.settings.unreadable.first()?;
        let detail = format!("the variable {name} could not be read");
        let advice = "Look into the log of the function for what the host said about it.";
        Some(Fault::new(Type::Configuration, detail).advice(advice))
    }
}
