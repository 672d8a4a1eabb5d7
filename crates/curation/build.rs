//! Names the engine, for the lines that it writes.

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    flywheel_engine::name_for_build_script(Path::new(env!("CARGO_MANIFEST_DIR")), env!("CARGO_PKG_VERSION"))
}
