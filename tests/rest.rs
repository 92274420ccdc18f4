//! Whether the programs of a house have work to do, or wait for time to pass.

use std::fs;
use std::sync::{Mutex, PoisonError};

/// Programs by their process ids, those that have ended among them.
#[derive(Default)]
pub(crate) struct Programs(Mutex<Vec<u32>>);

impl Programs {
    /// Counts a program in.
    pub(crate) fn add(&self, process: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }

    /// Whether all of them sleep, with all that they have started. Who waits for a processor or a
    /// disk does not: it is at work, on a machine that is busy with something else.
    pub(crate) fn rest(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().all(|id| rests(*id))
    }
}

fn rests(process: u32) -> bool {
    // Who is gone has nothing to do.
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return true };
    threads.flatten().all(|thread| {
        let read = |name| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
        sleeps(&read("stat")) && read("children").split_whitespace().flat_map(str::parse).all(rests)
    })
}

/// Whether a line of `/proc` is that of a thread that sleeps, or has ended.
fn sleeps(stat: &str) -> bool {
    // The name before it may hold anything.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_none_or(|state| matches!(state, 'S' | 'I' | 'Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    #[test]
    fn a_thread_rests_when_it_sleeps_and_when_it_is_gone() {
        for (stat, expected) in [
            ("7 (lakegate) S 1 7", true),
            ("7 (R) x) S 1 7", true),
            ("7 (lakegate) Z 1 7", true),
            ("", true),
            ("7 (lakegate) R 1 7", false),
            ("7 (S) D 1 7", false),
            ("7 (lakegate) T 1 7", false),
        ] {
            assert_eq!(sleeps(stat), expected, "{stat}");
        }
    }

    #[test]
    fn a_program_rests_when_what_it_started_does() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec 3<&0; cat <&3 & echo $!; wait"]);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let mut line = String::new();
        let stdout = shell.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        let child = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        let programs = Programs::default();
        programs.add(shell.id());
        let until = |expected| {
            let start = std::time::Instant::now();
            while programs.rest() != expected {
                assert!(start.elapsed() < crate::DEADLINE, "it never is {expected}");
            }
        };
        until(true);
        kill_process(child, Signal::STOP).unwrap();
        until(false);
        kill_process(child, Signal::KILL).unwrap();
        shell.wait().unwrap();
        assert!(programs.rest(), "nobody is there any more");
    }
}
