//! The `lakegate` command.

fn main() -> std::process::ExitCode {
    lakegate::main()
}
