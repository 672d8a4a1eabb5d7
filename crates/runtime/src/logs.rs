use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::settings::Settings;

/// Writes logs as one JSON object a line.
///
/// `RUST_LOG` sets the level of this project's own lines (default `info`). Libraries never log below `warn`: at finer levels some
/// of them log their payloads, and those are users' texts.
pub fn init_logs(settings: &Settings) {
    let level = settings.optional("RUST_LOG").and_then(|level| level.parse::<LevelFilter>().ok());
    let filter =
        Targets::new().with_default(LevelFilter::WARN).with_target("flywheel", level.unwrap_or(LevelFilter::INFO));
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    // A panic's message may quote users' texts. Its location is enough.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panicked");
    }));
    // A subscriber is set already only in a test that starts two functions in one process.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
