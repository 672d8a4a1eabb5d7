use serde::{Deserialize, Serialize};

/// What a candidate has to reach: the policy's `[gate]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GateBounds {
    /// Scored pairs, of which fewer leave it to a person.
    pub min_held_out: u64,
    /// Scored liked outputs, of which fewer leave it to a person.
    pub min_replay: u64,
    /// G1: least share of pairs that the candidate tells apart better than the incumbent (lower 95 % bound).
    pub learned_from: f64,
    /// G2: least mean gain of users' texts, in nats a token (lower 95 % bound).
    pub chosen_gain_from: f64,
    /// G3: greatest mean loss on liked outputs, in nats a token (upper 95 % bound).
    pub replay_loss_to: f64,
    /// G4: least share of prompts that it answers nearer to the user's text (lower 95 % bound; ties count half).
    pub wins_from: f64,
    /// G4: similarities that differ by no more are a tie.
    pub tie_within: f64,
    /// G4: this much below its bound, and a person decides.
    pub review_within: f64,
    /// G5: greatest rise of the share of answers that the audit would hold back (upper 95 % bound).
    pub violations_to: f64,
    /// G5: how far the mean length of answers may be from those of incumbent and users, as a share.
    pub length_within: f64,
}

/// Measured on one small world (see the training decision); tune `replay_loss_to` on runs that retrain the incumbent with other seeds.
impl Default for GateBounds {
    fn default() -> Self {
        Self {
            min_held_out: 200,
            min_replay: 100,
            learned_from: 0.60,
            chosen_gain_from: 0.0,
            replay_loss_to: 0.05,
            wins_from: 0.50,
            tie_within: 0.02,
            review_within: 0.05,
            violations_to: 0.005,
            length_within: 0.25,
        }
    }
}
