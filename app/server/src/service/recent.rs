//! What the chain said last. While one caller asks anew, the others take what is there: a node that is slow keeps nobody but
//! them who have nothing yet.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An answer is asked for anew after this long; a failure, too.
const FRESH: Duration = Duration::from_secs(2);
/// An answer is served for this long when the chain does not answer.
pub(super) const STALE: Duration = Duration::from_secs(120);

/// The last answer to one question.
pub(super) struct Recent<T>(Mutex<State<T>>);

struct State<T> {
    answer: Option<(Instant, T)>,
    asked: Option<Instant>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::new(State { answer: None, asked: None }))
    }
}

impl<T: Clone> Recent<T> {
    /// The last answer, asked for anew with `ask` when that is due; none when there is none that is not stale.
    pub(super) async fn get(&self, ask: impl AsyncFnOnce() -> Option<T>) -> Option<T> {
        if let Some(answer) = self.at_hand() {
            return Some(answer);
        }
        if let Some(answer) = ask().await {
            self.lock().answer = Some((Instant::now(), answer));
        }
        let state = self.lock();
        state.answer.as_ref().filter(|(at, _)| at.elapsed() < STALE).map(|(_, answer)| answer.clone())
    }

    /// An answer that can be taken without asking: a fresh one, or a usable one while somebody else asks.
    fn at_hand(&self) -> Option<T> {
        let mut state = self.lock();
        let due = state.asked.is_none_or(|asked| asked.elapsed() >= FRESH);
        let usable = state.answer.as_ref().filter(|(at, _)| at.elapsed() < STALE);
        let answer = usable.filter(|(at, _)| !due || at.elapsed() < FRESH).map(|(_, answer)| answer.clone());
        if answer.is_none() {
            state.asked = Some(Instant::now());
        }
        answer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_kept_while_it_is_fresh_and_used_while_the_chain_is_silent() {
        let recent = Recent::default();
        assert_eq!(recent.get(async || None::<u32>).await, None);
        assert_eq!(recent.get(async || Some(1)).await, Some(1));
        assert_eq!(recent.get(async || Some(2)).await, Some(1));
        let made_old = |age| recent.lock().answer = Instant::now().checked_sub(age).map(|at| (at, 3));
        made_old(FRESH * 2);
        recent.lock().asked = None;
        assert_eq!(recent.get(async || None).await, Some(3));
        made_old(STALE * 2);
        recent.lock().asked = None;
        assert_eq!(recent.get(async || None).await, None);
    }
}
