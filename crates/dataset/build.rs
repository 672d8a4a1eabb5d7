//! Names the engine, for the records of versions.

fn main() -> std::io::Result<()> {
    flywheel_engine::name_for_build_script()
}
