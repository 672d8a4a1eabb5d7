//! Names the engine, for the lines that it writes.

fn main() -> std::io::Result<()> {
    flywheel_engine::name_for_build_script()
}
