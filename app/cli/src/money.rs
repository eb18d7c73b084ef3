//! What a command has done with its caller's money, and what comes next, for every way in which it can end.

use std::path::PathBuf;

use precis_client::{Amount, Place, SignedPayment, Token, date};
use serde_json::{Value, json};

/// What became of the money.
#[derive(Debug)]
pub enum Money {
    /// No payment is under way, and this command signed none.
    Untouched,
    /// No payment for this document is under way, and this command signed none for it, whatever it signed for others.
    UntouchedByThis,
    /// A payment is signed, and may be taken.
    Signed {
        /// The payment.
        payment: Box<SignedPayment>,
        /// Its amount, for people.
        amount: Amount,
        /// The command that fetches what it pays for.
        next: Next,
        /// Now, in Unix seconds.
        now: u64,
    },
    /// What was signed was not taken and will not be.
    NotCharged,
    /// What was taken was paid back.
    PaidBack {
        /// The transaction that did.
        refund: String,
    },
    /// Paid, and what was bought is kept.
    Paid {
        /// Where its receipt is.
        receipt: PathBuf,
        /// The command that prints it.
        next: Next,
    },
    /// The record cannot be read.
    Unknown {
        /// Why.
        why: String,
    },
}

/// The command to run next.
#[derive(Debug)]
pub struct Next {
    command: String,
    /// It buys other documents as well.
    others: bool,
}

impl Next {
    /// The same command. If there are other documents in it, it is written with its caps, and said to buy them.
    pub fn same(others: bool) -> Self {
        Self { command: same_command(others), others }
    }

    fn line(&self, what: &str, alone: &str) -> String {
        let besides = if self.others { "and buys the others, those that are not bought yet" } else { alone };
        format!("next:  {}   # {what}, {besides}", self.command)
    }
}

impl Money {
    /// By the record of the purchase, which `next` goes on with. Nothing else counts: an error does not know what an earlier run
    /// signed.
    pub fn by_record(place: &Place, token: Option<&Token>, next: Next, now: u64) -> Self {
        match place.pending().signed() {
            Ok(None) => Self::Untouched,
            Ok(Some(payment)) => {
                let known = || payment.target.as_ref().and_then(|(network, asset)| Token::known(network, *asset));
                let amount = Amount::new(payment.amount, token.cloned().or_else(known).as_ref());
                Self::Signed { payment: Box::new(payment), amount, next, now }
            }
            Err(error) => Self::Unknown { why: error.to_string() },
        }
    }

    /// Lines for people.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Untouched => vec!["money: this command signed nothing, and nothing was charged".into()],
            Self::UntouchedByThis => vec!["money: nothing was signed or charged for this document".into()],
            Self::Signed { payment, amount, next, now } => {
                let until = date::utc(payment.valid_before);
                let standing = if *now < payment.valid_before {
                    format!("the service may take it until {until}")
                } else {
                    format!("it lapsed at {until}, and was taken before or not at all")
                };
                let SignedPayment { payer, pay_to, .. } = &**payment;
                vec![
                    format!("money: a payment of {amount} from {payer} to {pay_to} is signed; {standing}"),
                    next.line("fetches what it pays for", "and signs nothing new"),
                ]
            }
            Self::NotCharged => vec!["money: nothing was charged, and the payment that was signed is over".into()],
            Self::PaidBack { refund } => vec![format!("money: charged, and paid back by transaction {refund}")],
            Self::Paid { receipt, next } => vec![
                format!("money: paid; the summary and its receipt are kept in {}", receipt.display()),
                next.line("prints it", "and costs nothing"),
            ],
            Self::Unknown { .. } => vec!["money: not known, since the record of this purchase cannot be read".into()],
        }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Untouched | Self::UntouchedByThis => json!({"status": "untouched"}),
            Self::Signed { payment, next, .. } => {
                let (network, asset) = payment.target.clone().unzip();
                json!({
                    "status": "signed",
                    "amount": payment.amount.to_string(),
                    "network": network,
                    "asset": asset,
                    "payer": payment.payer,
                    "payTo": payment.pay_to,
                    "nonce": payment.nonce,
                    "validBefore": payment.valid_before,
                    "accepted": payment.accepted,
                    "next": next.command,
                })
            }
            Self::NotCharged => json!({"status": "not-charged"}),
            Self::PaidBack { refund } => json!({"status": "paid-back", "refund": refund}),
            Self::Paid { receipt, .. } => json!({"status": "paid", "receipt": receipt.display().to_string()}),
            Self::Unknown { why } => json!({"status": "unknown", "why": why}),
        }
    }
}

/// The command that was given, without what must not be done twice. It fetches what was ordered. Without `capped` its caps are left
/// out, too, which what is signed no longer needs.
fn same_command(capped: bool) -> String {
    let is_cap = |argument: &str| !capped && CAPS.iter().any(|cap| argument.starts_with(cap));
    let mut arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let mut command = vec!["precis".to_owned()];
    while let Some(argument) = arguments.next() {
        if is_cap(&argument) {
            // Its value is the next argument, unless it stands behind an equals sign.
            if CAPS.contains(&argument.as_str()) {
                arguments.next();
            }
        } else if !ONCE.contains(&argument.as_str()) {
            command.push(quoted(&argument));
        }
    }
    command.join(" ")
}

/// Options that ask for another payment, or for something else than the summary.
const ONCE: [&str; 4] = ["--no-wait", "--new-payment", "--again", "--cancel"];
/// The options with a cap.
const CAPS: [&str; 2] = ["--max-price", "--max-total"];

/// As a shell reads it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", precis_client::printable(argument).replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, quoted};

    #[test]
    fn a_command_that_buys_others_besides_says_so() {
        let next = |others| Next { command: "precis summarize a b".into(), others };
        assert_eq!(
            next(false).line("prints it", "and costs nothing"),
            "next:  precis summarize a b   # prints it, and costs nothing"
        );
        assert!(!next(true).line("prints it", "and costs nothing").contains("costs nothing"));
    }

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("report.md"), "report.md");
        assert_eq!(quoted("my report.md"), "'my report.md'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(rm x)"), "'$(rm x)'");
        assert_eq!(quoted(""), "''");
    }
}
