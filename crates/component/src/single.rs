//! State for the one thread of an instance, without the standard library's `thread_local!`.

/// A value that a `static` may hold though threads could not share it.
pub(crate) struct Single<T>(T);

// SAFETY: an instance of a component has one thread. On other machines this crate is only checked.
#[allow(unsafe_code, reason = "no safe `static` holds what is for one thread alone")]
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    pub(crate) fn get(&self) -> &T {
        &self.0
    }
}
