//! Functions of the C library that the standard library calls and an old wasi-libc lacks.
//!
//! Each refuses with `ENOTSUP`, which std reports as `ErrorKind::Unsupported`: a component that
//! merely mentions sockets or threads links, and one that uses them is told so at run time.
#![no_std]
#![feature(linkage, thread_local)]

unsafe extern "C" {
    #[thread_local]
    static mut errno: i32;
}

/// Its number in WASI preview 1.
const ENOTSUP: i32 = 58;
/// `getaddrinfo` has its own numbers: a failure that is not passing.
const EAI_FAIL: i32 = -4;

// On wasm32 every argument of these functions, pointer or number, is an `i32`. A weak symbol
// yields to a libc that has the function.
macro_rules! refuse {
    ($($name:ident($($arg:ident)*) = $answer:expr;)*) => {$(
        #[unsafe(no_mangle)]
        #[linkage = "weak"]
        pub extern "C" fn $name($($arg: i32),*) -> i32 {
            $(let _ = $arg;)*
            // SAFETY: wasi-libc without threads: nobody else writes it.
            unsafe { errno = ENOTSUP };
            $answer
        }
    )*};
}

refuse! {
    socket(a b c) = -1;
    bind(a b c) = -1;
    listen(a b) = -1;
    connect(a b c) = -1;
    getsockname(a b c) = -1;
    getpeername(a b c) = -1;
    setsockopt(a b c d e) = -1;
    recvfrom(a b c d e f) = -1;
    sendto(a b c d e f) = -1;
    getaddrinfo(a b c d) = EAI_FAIL;
    chmod(a b) = -1;
    fchmod(a b) = -1;
    realpath(a b) = 0;
    pthread_attr_init(a) = 0;
    pthread_attr_destroy(a) = 0;
    pthread_attr_setstacksize(a b) = 0;
    pthread_create(a b c d) = ENOTSUP;
    pthread_join(a b) = ENOTSUP;
    pthread_detach(a) = ENOTSUP;
}

/// Frees nothing: [`getaddrinfo`] gives nothing.
#[unsafe(no_mangle)]
#[linkage = "weak"]
pub extern "C" fn freeaddrinfo(_list: i32) {}

/// The text of [`EAI_FAIL`].
#[unsafe(no_mangle)]
#[linkage = "weak"]
pub extern "C" fn gai_strerror(_code: i32) -> *const u8 {
    c"not supported".as_ptr().cast()
}
