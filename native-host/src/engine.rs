//! How WebAssembly is compiled and run; the same words for the build, which compiles the component
//! ahead of time, and for the binary, which loads the result.

use wasmtime::Config;

/// The target of the precompiled component: this platform with no CPU feature beyond its baseline,
/// so that a binary built on one machine runs on every other.
pub(crate) const TARGET: &str = if cfg!(all(target_arch = "x86_64", target_os = "linux")) {
    "x86_64-unknown-linux-gnu"
} else if cfg!(all(target_arch = "aarch64", target_os = "linux")) {
    "aarch64-unknown-linux-gnu"
} else if cfg!(all(target_arch = "x86_64", target_os = "macos")) {
    "x86_64-apple-darwin"
} else {
    "aarch64-apple-darwin"
};

/// The settings that compiled code depends on. Loading refuses code of another configuration.
pub(crate) fn config() -> anyhow::Result<Config> {
    let mut config = Config::new();
    config.target(TARGET).map_err(|e| anyhow::anyhow!("{e:#}"))?;
    config.epoch_interruption(true);
    config.wasm_component_model_async(true);
    config.wasm_backtrace_max_frames(std::num::NonZero::new(16));
    Ok(config)
}
