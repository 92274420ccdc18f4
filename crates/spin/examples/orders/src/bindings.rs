//! Lakegate's interfaces in Rust, generated from `wit/`.
#![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated from wit/")]
#![allow(clippy::all, reason = "generated")]

spin_sdk::wit_bindgen::generate!({
    inline: "
        package example:orders;
        world application {
            import lakegate:connect/bootstrap@0.1.0;
            import lakegate:connect/tokens@0.1.0;
        }
    ",
    path: "../../../../wit",
    runtime_path: "::spin_sdk::wit_bindgen::rt",
    generate_all,
});
