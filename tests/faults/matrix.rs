//! Kill -9 just before and just after every legal transition of the type, then start again: nobody lost anything.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Context as _;
use precis_store::{Flow, Stage};
use precis_tests::audit::{Kind, Violation};
use precis_tests::tasks::{Row, TASKS};
use precis_tests::testbed::kill::{Kill, When};
use precis_tests::testbed::town::Town;

use super::scenarios::{Recipe, recipe};
use super::steps::{Document, Play, Step};

/// Devnets that work through the cases side by side.
const LANES: usize = 4;
/// Names cases to try alone, as a part of their text.
const ONLY: &str = "FAULTS_ONLY";

/// Lines of the testbed's log that are shown with a failure.
const LOG_LINES: usize = 40;

struct Case {
    row: &'static Row,
    flow: Flow,
    kill: Kill,
    steps: &'static [Step],
}

impl Case {
    fn name(&self) -> String {
        format!("{} {:?} {}", self.row.task, self.flow, self.kill)
    }
}

/// Every legal transition with its recipe.
fn transitions() -> Vec<(Flow, Option<Stage>, Stage, Recipe)> {
    let mut found = Vec::new();
    for flow in [Flow::Authorization, Flow::Upfront] {
        let between = Stage::ALL.into_iter().flat_map(|before| Stage::ALL.map(|next| (Some(before), next)));
        let legal = between.filter(|(before, next)| before.is_some_and(|before| flow.allows(before, *next)));
        for (before, next) in std::iter::once((None, Stage::Claimed)).chain(legal) {
            let recipe = recipe(flow, before, next);
            assert!(recipe.is_some(), "nothing provokes {flow:?} {before:?} to {next:?}");
            found.extend(recipe.map(|recipe| (flow, before, next, recipe)));
        }
    }
    found
}

fn cases() -> VecDeque<Case> {
    let only = std::env::var(ONLY).unwrap_or_default();
    let mut cases = VecDeque::new();
    for (flow, before, next, steps) in transitions() {
        for (when, row) in [When::Before, When::After].into_iter().flat_map(|when| TASKS.map(|row| (when, row))) {
            let case = Case { row, flow, kill: Kill { before, next, when }, steps };
            if case.name().contains(&only) {
                cases.push_back(case);
            }
        }
    }
    cases
}

async fn lane() -> anyhow::Result<Arc<Town>> {
    Ok(Arc::new(Town::start(&[], &[("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "1s")]).await?))
}

async fn survive(town: &Arc<Town>, case: &Case) -> anyhow::Result<()> {
    let upfront = if case.flow == Flow::Upfront { "0s" } else { "1000000s" };
    town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", upfront);
    let mut play = Play::begin(town, Some(case.kill)).await?.of(case.row);
    play.play(case.steps).await?;
    let violations = town.conclude(&play.orders).await.context("afterwards")?;
    anyhow::ensure!(violations.is_empty(), "{}", violations.iter().map(|v| format!("\n  {v}")).collect::<String>());
    Ok(())
}

async fn every_case() -> Vec<String> {
    let (cases, failures) = (Mutex::new(cases()), Mutex::new(Vec::new()));
    assert!(!cases.lock().unwrap().is_empty(), "no case is named so");
    let lanes = (0..LANES).map(async |_| {
        let town = lane().await.unwrap();
        loop {
            let Some(case) = cases.lock().unwrap().pop_front() else { break };
            let (name, started) = (case.name(), Instant::now());
            let outcome = survive(&town, &case).await;
            let failed = if outcome.is_ok() { "" } else { "  FAILED" };
            eprintln!("{:>6} ms  {name}{failed}", started.elapsed().as_millis());
            if let Err(error) = outcome {
                let log = town.log();
                let mut log: Vec<&str> = log.lines().rev().take(LOG_LINES).collect();
                log.reverse();
                failures.lock().unwrap().push(format!("{name}: {error:#}\n{}", log.join("\n")));
            }
        }
    });
    futures::future::join_all(lanes).await;
    failures.into_inner().unwrap()
}

#[test]
fn every_legal_transition_has_a_scenario() {
    assert!(transitions().len() > 2 * Stage::ALL.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_or_after_any_transition_costs_nobody_anything() {
    let failures = every_case().await;
    assert!(failures.is_empty(), "{} cases failed\n{}", failures.len(), failures.join("\n\n"));
}

#[tokio::test]
async fn a_ledger_that_forgets_what_was_released_is_found_out() {
    let town = lane().await.unwrap();
    let mut play = Play::begin(&town, Some("settling>settled:forgotten".parse().unwrap())).await.unwrap();
    play.play(&[Step::Arm, Step::Order(Document::Good), Step::Ask]).await.unwrap();
    let kinds = |found: Vec<Violation>| found.into_iter().map(|violation| violation.kind).collect::<Vec<_>>();
    assert_eq!(kinds(town.audit(false).await.unwrap()), [Kind::ReleasedUnpaid]);
    assert_eq!(kinds(town.conclude(&play.orders).await.unwrap()), [Kind::TwoBodies]);
}
