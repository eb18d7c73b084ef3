//! The progress of a job, in one line of a terminal.

use precis_client::Progress;

/// Cells of the bar.
const CELLS: u64 = 24;

/// The line for what goes on in a job; none for what stays on the screen as a line of its own.
pub fn line(event: &Progress) -> Option<String> {
    match event {
        Progress::Paying => Some(draw(0, "waiting")),
        Progress::Working { status, tokens_read, tokens } => Some(of_job(status, *tokens_read, *tokens)),
        _ => None,
    }
}

fn of_job(status: &str, read: u64, all: u64) -> String {
    match status {
        "accepted" | "queued" => draw(0, "waiting"),
        "settling" => draw(100, "settling"),
        "working" if all > 0 && read >= all => draw(100, "writing"),
        "working" if all > 0 => {
            let percent = read.saturating_mul(100) / all;
            draw(percent, &format!("reading {percent} %"))
        }
        _ => draw(0, "working"),
    }
}

fn draw(percent: u64, stage: &str) -> String {
    let done = percent.min(100) * CELLS / 100;
    let cells: String = (0..CELLS).map(|cell| if cell < done { '#' } else { '.' }).collect();
    format!("[{cells}] {stage}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn working(status: &str, tokens_read: u64, tokens: u64) -> String {
        line(&Progress::Working { status: status.into(), tokens_read, tokens }).unwrap_or_default()
    }

    #[test]
    fn every_stage_of_a_job_has_its_word_and_its_cells() {
        assert_eq!(line(&Progress::Paying).as_deref(), Some("[........................] waiting"));
        assert_eq!(working("queued", 0, 0), "[........................] waiting");
        assert_eq!(working("working", 0, 900), "[........................] reading 0 %");
        assert_eq!(working("working", 450, 900), "[############............] reading 50 %");
        assert_eq!(working("working", 900, 900), "[########################] writing");
        assert_eq!(working("settling", 900, 900), "[########################] settling");
    }

    #[test]
    fn no_number_and_no_word_of_a_service_makes_the_line_longer() {
        for (status, read, all) in [("working", u64::MAX, 1), ("working", u64::MAX - 1, u64::MAX), ("\u{1b}[2J", 1, 2)]
        {
            let line = working(status, read, all);
            assert!(line.len() < 45 && line.is_ascii() && !line.contains('\u{1b}'), "{line}");
        }
    }

    #[test]
    fn what_is_no_stage_of_a_job_stays_on_the_screen() {
        assert_eq!(line(&Progress::GivenWay { why: String::new() }), None);
    }
}
