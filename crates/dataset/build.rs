//! Names the engine, for the records of versions.

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    // Asked for when it runs: checkouts may share what cargo has built.
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("cargo runs this script"))?;
    flywheel_engine::name_for_build_script(Path::new(&folder), env!("CARGO_PKG_VERSION"))
}
