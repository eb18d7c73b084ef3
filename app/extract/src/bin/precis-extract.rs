//! Reads one document on standard input in the sandbox and writes its text, as the service and the client do in a child process.
fn main() -> std::process::ExitCode {
    precis_extract::sandbox::child()
}
