//! Moves the small objects of state that operators move by hand: the circuit breaker, and the live adapter.

use flywheel_lake::{LakeError, LoadBreaker, LoadLive, LoadedBreaker, LoadedLive, MoveBreaker, MoveLive, Moved};
use flywheel_log::Breaker;
use flywheel_training::LiveModel;

/// A state that operators see and move.
pub trait State<L>: Sized {
    /// The state as it was read, with its entity tag.
    type Loaded;

    /// The state's name.
    const NAME: &'static str;

    /// Reads the state.
    fn load(lake: &L) -> impl Future<Output = Result<Self::Loaded, LakeError>>;

    /// Returns the state that was read.
    fn of(loaded: &Self::Loaded) -> &Self;

    /// Stores the state, if the stored one is still the one that was read.
    fn store(&self, lake: &L, from: &Self::Loaded) -> impl Future<Output = Result<Moved, LakeError>>;
}

impl<L: LoadBreaker + MoveBreaker> State<L> for Breaker {
    type Loaded = LoadedBreaker;

    const NAME: &'static str = "breaker";

    async fn load(lake: &L) -> Result<LoadedBreaker, LakeError> {
        lake.load_breaker().await
    }

    fn of(loaded: &LoadedBreaker) -> &Self {
        &loaded.breaker
    }

    async fn store(&self, lake: &L, from: &LoadedBreaker) -> Result<Moved, LakeError> {
        lake.move_breaker(from, self).await
    }
}

impl<L: LoadLive + MoveLive> State<L> for LiveModel {
    type Loaded = LoadedLive;

    const NAME: &'static str = "live adapter";

    async fn load(lake: &L) -> Result<LoadedLive, LakeError> {
        lake.load_live().await
    }

    fn of(loaded: &LoadedLive) -> &Self {
        &loaded.live
    }

    async fn store(&self, lake: &L, from: &LoadedLive) -> Result<Moved, LakeError> {
        lake.move_live(from, self).await
    }
}

/// A move that was not made.
#[derive(Debug, thiserror::Error)]
pub enum MoveError<R> {
    /// The state cannot be moved like that.
    #[error("{0}")]
    Refused(R),
    /// Another operator or a function moved it after it was read.
    #[error("another operator or a function moved the {0} just now: look at it again")]
    MovedMeanwhile(&'static str),
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

/// A planned move, from the state that was read.
#[derive(Debug)]
pub struct PlannedMove<L, S: State<L>> {
    from: S::Loaded,
    /// The next state.
    pub to: S,
}

impl<L, S: State<L>> PlannedMove<L, S> {
    /// Plans a move of the present state. It changes nothing.
    ///
    /// # Errors
    /// [`MoveError::Refused`] if the state cannot be moved like that; or if it cannot be read.
    pub async fn plan<R>(lake: &L, next: impl FnOnce(&S) -> Result<S, R>) -> Result<Self, MoveError<R>> {
        let from = S::load(lake).await?;
        let to = next(S::of(&from)).map_err(MoveError::Refused)?;
        Ok(Self { from, to })
    }

    /// Makes the move, and returns the new state. A conditional write makes it, so a state that was moved meanwhile stays.
    ///
    /// # Errors
    /// [`MoveError::MovedMeanwhile`]; or if it cannot be written.
    pub async fn carry_out<R>(self, lake: &L) -> Result<S, MoveError<R>> {
        match self.to.store(lake, &self.from).await? {
            Moved::Moved => Ok(self.to),
            Moved::WasMovedBefore => Err(MoveError::MovedMeanwhile(S::NAME)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_lake::MemoryLake;
    use flywheel_log::{AlreadyThere, BreakerState};

    #[tokio::test]
    async fn a_state_that_was_moved_after_the_plan_stays_as_it_is() {
        let lake = MemoryLake::default();
        let open = |breaker: &Breaker| breaker.opened_by_hand("kim", "a test", 1);
        let [first, second] = [PlannedMove::plan(&lake, open).await, PlannedMove::plan(&lake, open).await];
        let moved = first.unwrap().carry_out::<AlreadyThere>(&lake).await.unwrap();
        assert_eq!(moved.state, BreakerState::Open);
        let error = second.unwrap().carry_out::<AlreadyThere>(&lake).await.unwrap_err().to_string();
        assert!(error.contains("moved the breaker just now"), "{error}");
        let refused = PlannedMove::plan(&lake, open).await.unwrap_err();
        assert!(matches!(refused, MoveError::Refused(_)), "{refused}");
        assert_eq!(lake.load_breaker().await.unwrap().breaker, moved);
    }
}
