//! What native-host/wit/ means in Rust, generated; nothing else is in this file.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    reason = "generated from native-host/wit/, documented there"
)]
#![allow(clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "spin",
    // These give no error of their own: when a table is full, that is the end of the instance.
    imports: {
        "spin:key-value/key-value.[method]store.get-keys": trappable,
        "spin:postgres/postgres.[constructor]connection-builder": trappable,
    },
    with: {
        "spin:key-value/key-value.store": super::key_value::Opened,
        "spin:postgres/postgres.connection": super::postgres::Connection,
        "spin:postgres/postgres.connection-builder": super::login::Builder,
    },
});
