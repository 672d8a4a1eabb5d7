//! Writes the features of texts for `training/train.py`: `toxicity_features < texts > features`.
//!
//! The input is texts, each ended by a byte 0. The output is 32-bit numbers, lowest byte first. For each text it has the number
//! of its sentences. For each sentence it has the number of its word features, the number of its letter features, and those.

use std::error::Error;
use std::io::{BufRead, BufReader, BufWriter, Write, stdin, stdout};

use flywheel_toxicity::features_of;

fn main() -> Result<(), Box<dyn Error>> {
    let mut texts = BufReader::new(stdin().lock());
    let mut features = BufWriter::new(stdout().lock());
    let mut text = Vec::new();
    while texts.read_until(0, &mut text)? > 0 {
        if text.last() == Some(&0) {
            text.pop();
        }
        let sentences = features_of(std::str::from_utf8(&text)?);
        let mut write = |number: u32| features.write_all(&number.to_le_bytes());
        write(u32::try_from(sentences.len())?)?;
        for sentence in &sentences {
            write(u32::try_from(sentence.words.len())?)?;
            write(u32::try_from(sentence.letters.len())?)?;
            sentence.words.iter().chain(&sentence.letters).try_for_each(|hash| write(*hash))?;
        }
        text.clear();
    }
    features.flush()?;
    Ok(())
}
