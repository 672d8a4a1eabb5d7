//! Exports of other tools as events: the user's edits, ratings and comments with the outputs that they are on.
//!
//! | module | source |
//! |---|---|
//! | `langfuse`, `langsmith`, `phoenix` | scores and feedback apart from their outputs |
//! | `openwebui`, `labelstudio`, `argilla` | records that hold both |
//! | `otlp` | spans of OpenTelemetry, with a file of edits |
//! | `content` | prompts and outputs in the shapes of common APIs |
//! | `rating` | numbers and words as feedback |
//! | `event` | the event, checked by the API's own parser |
//!
//! Each tool's file has the shape of its export at the top. What becomes no event is named with the reason
//! ([`Skipped`]). The ids of events follow from the ids of records, so that a record counts once however often it is
//! imported.

mod argilla;
mod content;
mod event;
mod importer;
mod labelstudio;
mod langfuse;
mod langsmith;
mod notes;
mod openwebui;
mod options;
mod otlp;
mod phoenix;
mod rating;
mod skipped;
mod tool;
mod value;
mod waiting;

pub use event::Event;
pub use importer::{Importer, parse};
pub use notes::{Outcome, Place};
pub use options::{Options, Scale};
pub use skipped::{SkipReason, Skipped};
pub use tool::Tool;
