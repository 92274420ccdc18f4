#!/bin/bash
# Makes a Rust compiler for WebAssembly from Debian's packages, for machines where
# `rustup target add` reaches no server but a Debian mirror and a crates registry are near.
#
#   wasm-toolchain.sh DIR TARGET...      then: RUSTC=DIR/toolchain/bin/rustc cargo build --target TARGET
#
# Rustup's own compiler cannot be used with a standard library it was not shipped with, and
# Debian's default rustc is too old. Debian's `rustc-web` (made for Firefox and Chromium) is
# recent, and its source package carries the standard library, which is compiled here once for
# each target. Packages are unpacked below DIR, never installed; root is not needed.
#
# What is there already is kept, so a second run costs nothing. Remove DIR to start afresh.
set -euo pipefail

minimum=95 # the workspace's rust-version, 1.95
host=x86_64-unknown-linux-gnu
here=$(cd "$(dirname "$0")" && pwd)

say() { printf 'wasm toolchain: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

[ $# -ge 2 ] || fail "usage: $0 DIR TARGET..."
[ "$(uname -sm)" = "Linux x86_64" ] || fail "works on x86_64 Linux only"
for tool in apt-get apt-cache ar cc dpkg-deb flock rustc; do
  command -v "$tool" >/dev/null || fail "needs $tool"
done

mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
toolchain=$dir/toolchain
source=$dir/source

exec 9>"$dir/lock" # two builds at once: the second waits and finds the work done
flock 9

version_in_apt() { apt-cache policy rustc-web | sed -n 's/^ *Candidate: 1\./1./p'; }
minor_of() { local rest=${1#1.}; printf '%s' "${rest%%.*}"; }
recent() { [ -n "$1" ] && [ "$(minor_of "$1")" -ge "$minimum" ]; }

# Downloads into the current folder. Apt's own user may not write there; root may.
download() { apt-get -qq -o APT::Sandbox::User=root download "$@"; }

unpack_compiler() {
  local version work
  version=$(version_in_apt)
  if ! recent "$version"; then
    say "apt knows no rustc-web of 1.$minimum or newer; refreshing its lists"
    apt-get -qq update || true
    version=$(version_in_apt)
    recent "$version" || fail "apt has rustc-web ${version:-not at all}, and 1.$minimum is needed"
  fi

  work=$dir/work
  rm -rf "$work" "$toolchain" "$source"
  mkdir -p "$work/debs" "$work/root" "$work/source"
  say "downloading rustc-web $version"
  (
    cd "$work/debs"
    download rustc-web="$version" rust-web-src="$version" libstd-rust-web-dev="$version" \
      "libstd-rust-web-1.$(minor_of "$version")=$version" wasi-libc
    # The compiler's LLVM: whichever version its library asks for.
    download "$(dpkg-deb -f libstd-rust-web-1.*.deb Depends | grep -om1 'libllvm[0-9]*')"
  )
  for deb in "$work"/debs/*.deb; do
    case $deb in
      # Only the library, and not its vendored crates: Debian took parts out of them, and the
      # lock file's checksums hold for the registry.
      */rust-web-src_*) dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/source" --strip-components=4 \
        --wildcards --exclude='*/library/vendor' './usr/src/rustc-*/library' ;;
      *) dpkg-deb -x "$deb" "$work/root" ;;
    esac
  done
  assemble "$work/root/usr" "$work/toolchain"
  mv "$work/source" "$source"
  mv "$work/toolchain" "$toolchain" # last: a toolchain that is there is whole
  rm -rf "$work"
  say "unpacked $("$toolchain/bin/rustc" --version)"
}

assemble() { # FROM TO: the layout of a sysroot out of Debian's folders
  local from=$1 to=$2 missing
  mkdir -p "$to/bin" "$to/lib/rustlib"
  mv "$from/bin/rustc" "$to/lib/rustc"
  mv "$from"/lib/x86_64-linux-gnu/{librustc_driver-*.so,libLLVM*} "$to/lib/"
  mv "$from/lib/rustlib/$host" "$to/lib/rustlib/"
  mv "$from/lib/wasm32-wasi" "$to/lib/wasi-libc"
  # Debian's binary looks for its libraries in the system's folders only.
  cat >"$to/bin/rustc" <<'RUSTC'
#!/bin/sh
lib=$(dirname "$(dirname "$(readlink -f "$0")")")/lib
LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$lib/rustc" "$@"
RUSTC
  chmod +x "$to/bin/rustc"
  missing=$(LD_LIBRARY_PATH=$to/lib ldd "$to/lib/rustc" "$to"/lib/lib*.so* | awk '/not found/ { print $1 }' | sort -u)
  [ -z "$missing" ] || fail "the compiler needs these libraries of the system:" $missing
}

# The linkers are those of rustup's toolchain; linked anew each time, for it may have moved.
link_linkers() {
  local from
  from=$(rustc --print sysroot)/lib/rustlib/$host/bin
  mkdir -p "$toolchain/lib/rustlib/$host/bin"
  for linker in rust-lld gcc-ld wasm-component-ld; do
    [ -e "$from/$linker" ] || fail "$from/$linker is missing: install Rust with rustup"
    ln -sfn "$from/$linker" "$toolchain/lib/rustlib/$host/bin/$linker"
  done
}

compile_std() { # TARGET
  local target=$1 lib=$dir/std-$1/lib started=$SECONDS
  say "compiling the standard library for $target (a minute or two)"
  rm -rf "$dir/std-$target"
  mkdir -p "$lib"
  # -Zforce-unstable-if-unmarked: what marks these crates as the compiler's own.
  # Bitcode is kept for `lto`. The bootstrap variable is for the standard library alone.
  (
    cd "$dir"
    env -u CARGO_BUILD_TARGET -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER \
      RUSTC="$toolchain/bin/rustc" RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=lakegate \
      RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes -Awarnings --remap-path-prefix=$source=/rust \
        --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/crates" \
      "${CARGO:-cargo}" build --quiet --locked --release --target "$target" --package std \
      --manifest-path "$source/library/Cargo.toml" --target-dir "$dir/build"
  )
  cp "$dir/build/$target/release/deps/"*.rlib "$lib/"
  case $target in *-wasip*) add_libc "$target" "$lib/self-contained" ;; esac
  rm -rf "$dir/build" "$toolchain/lib/rustlib/$target"
  mv "$dir/std-$target" "$toolchain/lib/rustlib/$target" # last: a target that is there is whole
  say "$target is ready after $((SECONDS - started)) s"
}

# Debian's wasi-libc is older than what std calls: what it lacks is added as a refusal.
# Only libraries (`cdylib`, as components are) are linked with it: no start file of a program.
add_libc() { # TARGET FOLDER
  mkdir -p "$2"
  cp "$toolchain"/lib/wasi-libc/{crt1-reactor.o,libc.a} "$2/"
  RUSTC_BOOTSTRAP=1 "$toolchain/bin/rustc" --sysroot "$toolchain" -L "$(dirname "$2")" --edition 2024 \
    --crate-type lib --target "$1" -Cpanic=abort -Copt-level=s -Ccodegen-units=1 --emit obj \
    -o "$dir/refused.o" "$here/wasi-refused.rs"
  ar q "$2/libc.a" "$dir/refused.o"
  rm "$dir/refused.o"
}

[ -x "$toolchain/bin/rustc" ] || unpack_compiler
link_linkers
for target in "$@"; do
  [ -d "$toolchain/lib/rustlib/$target" ] || compile_std "$target"
done
