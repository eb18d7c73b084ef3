//! Reads one document on standard input in the sandbox and writes its text, as the service and the client do in a child process.
//! With `attempt WHAT` it tries what the sandbox forbids.
fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("attempt"), Some(what)) => precis_extract::sandbox::attempt(&what),
        _ => precis_extract::sandbox::child(),
    }
}
