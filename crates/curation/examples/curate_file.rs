//! Curates a file of edit events, one a line, into a file for each route. It does the core's whole work on one event, with the
//! plainest input and output. `bench/` times it against a Python script that does the same.
//!
//!     curate_file [--policy <policy.toml>] <events.jsonl> <folder>

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _, stdout};
use std::path::PathBuf;

use flywheel_base::{Route, instant::Millis};
use flywheel_curation::Curator;
use flywheel_policy::Policy;

/// The current time, which the core gets as an argument; any value will do.
const NOW: Millis = 1_795_342_830_007;

const BUFFER_BYTES: usize = 1 << 16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (policy, events, folder) = match arguments.as_slice() {
        [events, folder] => (Policy::default(), events, folder),
        [flag, policy, events, folder] if flag.as_os_str() == "--policy" => {
            (Policy::parse(&std::fs::read_to_string(policy)?)?, events, folder)
        }
        _ => return Err("usage: curate_file [--policy <policy.toml>] <events.jsonl> <folder>".into()),
    };
    let mut files = Vec::new();
    for route in Route::ALL {
        let file = File::options().append(true).create(true).open(folder.join(format!("{}.jsonl", route.as_str())))?;
        files.push((route, 0, BufWriter::with_capacity(BUFFER_BYTES, file)));
    }
    let curator = Curator::new(policy, None);
    let mut events = BufReader::with_capacity(BUFFER_BYTES, File::open(events)?);
    let mut message = String::new();
    while events.read_line(&mut message)? > 0 {
        let event = curator.curate(&message, NOW)?;
        if let Some((_, count, file)) = files.iter_mut().find(|(route, ..)| *route == event.verdict.route) {
            *count += 1;
            file.write_all(event.line.as_bytes())?;
            file.write_all(b"\n")?;
        }
        message.clear();
    }
    for (route, count, mut file) in files {
        file.flush()?;
        writeln!(stdout(), "{} {count}", route.as_str())?;
    }
    Ok(())
}
