//! `precis summarize FILE…`.

use precis_client::{Document, SummaryRequest};

use super::buyer::Buyer;
use super::order::carry_out;
use super::several::{self, Batch};
use super::summary::Plain;
use crate::args::SummarizeArgs;
use crate::documents::Reader;
use crate::exit::{Exit, Failure};
use crate::interrupt::Signals;
use crate::joined::Joined;
use crate::money::Money;
use crate::output::Output;
use crate::sources::{Source, Sources};

/// Most bytes of all documents of one command, with the texts that were read from them.
const MAX_BYTES: usize = 256 * 1024 * 1024;

pub(super) async fn run(args: &SummarizeArgs, output: Output) -> Result<Exit, Failure> {
    let untouched = |failure: Failure| failure.with_money(Money::Untouched);
    let buyer = Buyer::new(&args.target, &args.purchase, output).map_err(untouched)?;
    let one = match &args.files[..] {
        _ if args.together => Some(together(args, output).await.map_err(untouched)?),
        // Programs get the shape that they asked for, however many documents a folder holds.
        [only] if !only.is_dir() => Some(alone(args, &Source::of(only)).await.map_err(untouched)?),
        _ => None,
    };
    if let Some((document, shown)) = one {
        let buyer = buyer.with_budget(args.max_total.clone(), false);
        let request = request(args, &document, output).map_err(untouched)?;
        let mut signals = Signals::hold().map_err(untouched)?;
        return carry_out(&buyer, &request, &shown, &mut signals).await?.print(output);
    }
    let buyer = buyer.with_budget(args.max_total.clone(), true);
    let batch = each(args).await.map_err(untouched)?;
    several::run(&buyer, batch, args.grounding).await
}

/// The request for the only document, which is saved where that was asked for.
fn request(args: &SummarizeArgs, document: &Document, output: Output) -> Result<SummaryRequest, Failure> {
    let request = SummaryRequest::new(document, &args.wish.options())?;
    if let Some(path) = &args.save_document {
        output.save(path, document.bytes(), "document")?;
    }
    Ok(request)
}

/// The only document.
async fn alone(args: &SummarizeArgs, source: &Source) -> Result<(Document, Plain), Failure> {
    let document = Reader::new(&args.wish, &args.target)?.read_named(source).await?;
    Ok((document, Plain { name: source.name(), grounding: args.grounding, joined: None }))
}

/// All documents as one. One that cannot be read is missing in none.
async fn together(args: &SummarizeArgs, output: Output) -> Result<(Document, Plain), Failure> {
    let sources = Sources::of(&args.files, args.recursive)?;
    let reader = Reader::new(&args.wish, &args.target)?;
    let mut skipped = sources.skipped;
    let mut joined = Joined::default();
    for source in &sources.all {
        let name = source.name();
        match reader.read(source).await {
            Ok(Ok(document)) => {
                if !joined.add(name.clone(), &source.title(), document)? {
                    output.progress(&format!("same document: {name}; taken once"));
                }
            }
            Ok(Err(why)) => skipped.push((name, why)),
            Err(failure) => return Err(Failure { message: format!("{name}: {}", failure.message), ..failure }),
        }
    }
    several::say_skipped(&skipped, output);
    if joined.len() == 0 {
        return Err(several::nothing());
    }
    let document = joined.document()?;
    output.progress(&format!(
        "together: {} documents, {} bytes of text, one payment",
        joined.len(),
        document.bytes().len()
    ));
    Ok((document, Plain { name: joined.name(), grounding: args.grounding, joined: Some(joined) }))
}

/// The requests for each of several documents. All are read before the first is paid for.
async fn each(args: &SummarizeArgs) -> Result<Batch, Failure> {
    if args.purchase.receipt.is_some() {
        return Err(Failure::usage(
            "--receipt names one file, and several documents have a receipt each; leave it out: each is kept, and it is said where",
        ));
    }
    if args.save_document.is_some() {
        return Err(Failure::usage("--save-document names one file, and there are several documents; leave it out"));
    }
    let sources = Sources::of(&args.files, args.recursive)?;
    let reader = Reader::new(&args.wish, &args.target)?;
    let mut batch = Batch::new(sources.skipped);
    let mut bytes = 0_usize;
    for source in &sources.all {
        match reader.read(source).await {
            Ok(Ok(document)) => {
                let read = document.read_text().map_or(0, str::len);
                bytes = bytes.saturating_add(document.bytes().len()).saturating_add(read);
                if bytes > MAX_BYTES {
                    return Err(Failure::usage(format!(
                        "these documents have more than {MAX_BYTES} bytes together; give fewer at once"
                    )));
                }
                batch.add(source.name(), SummaryRequest::new(&document, &args.wish.options())?);
            }
            Ok(Err(why)) => batch.skipped.push((source.name(), why)),
            Err(failure) => batch.add_unread(source.name(), failure),
        }
    }
    Ok(batch)
}
