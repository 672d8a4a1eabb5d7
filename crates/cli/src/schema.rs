//! `flywheel schema`: writes the columns of the lake's lines as a Python module, for readers that would infer them.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};

use flywheel_training::{Column, ColumnType, LINE_COLUMNS};

use crate::{Failure, Outcome};

const HEAD: &str = r#""""The columns of Flywheel's log, with their types, for readers of JSON that would guess them. Made by `flywheel schema`.

A guess goes by the first rows. It fails where those have only nulls, and takes a text that looks like a date for a timestamp.
Lines of another release may lack columns, which are null then, or have more, which are passed over.
"""

DUCKDB = {
"#;

const MIDDLE: &str = r#"}
"""For `read_json(…, columns = …)`, in DuckDB's SQL and in Python alike."""


def arrow_schema():
    """The same for pyarrow, and what it takes from a line's path."""
    import pyarrow as pa

    return pa.schema([
"#;

const END: &str = r#"        ("route", pa.string()),
        ("dt", pa.string()),
        ("hour", pa.int32()),
    ])


def open_log(location, **options):
    """A folder of the log, or a list of its files, as a dataset of pyarrow's; options are pyarrow's own, such as `filesystem`."""
    import pyarrow.dataset
    import pyarrow.json

    # A block has to hold the longest line. An event has 1 MiB at most, and its line has a chat prompt three times.
    lines = pyarrow.dataset.JsonFileFormat(read_options=pyarrow.json.ReadOptions(block_size=16 << 20))
    return pyarrow.dataset.dataset(location, schema=arrow_schema(), format=lines, partitioning="hive", **options)
"#;

/// Writes the module.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let mut output = stdout().lock();
    output.write_all(module().as_bytes())?;
    output.flush()?;
    Ok(Outcome::AllGood)
}

fn module() -> String {
    let mut module = HEAD.to_owned();
    for column in LINE_COLUMNS {
        let _ = writeln!(module, "    \"{}\": \"{}\",", column.name, duckdb_type(&column.kind));
    }
    module += MIDDLE;
    for column in LINE_COLUMNS {
        let _ = writeln!(module, "        {},", arrow_field(column));
    }
    module + END
}

fn arrow_field(column: &Column) -> String {
    format!("(\"{}\", {})", column.name, arrow_type(&column.kind))
}

fn arrow_type(kind: &ColumnType) -> String {
    match kind {
        ColumnType::Text => "pa.string()".to_owned(),
        ColumnType::Double => "pa.float64()".to_owned(),
        ColumnType::Integer => "pa.int64()".to_owned(),
        ColumnType::Boolean => "pa.bool_()".to_owned(),
        ColumnType::List(element) => format!("pa.list_({})", arrow_type(element)),
        ColumnType::Record(fields) => {
            let fields: Vec<_> = fields.iter().map(arrow_field).collect();
            format!("pa.struct([{}])", fields.join(", "))
        }
    }
}

fn duckdb_type(kind: &ColumnType) -> String {
    match kind {
        ColumnType::Text => "VARCHAR".to_owned(),
        ColumnType::Double => "DOUBLE".to_owned(),
        ColumnType::Integer => "BIGINT".to_owned(),
        ColumnType::Boolean => "BOOLEAN".to_owned(),
        ColumnType::List(element) => format!("{}[]", duckdb_type(element)),
        ColumnType::Record(fields) => {
            let field = |field: &Column| format!("{} {}", field.name, duckdb_type(&field.kind));
            format!("STRUCT({})", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_in_the_documentation_is_what_the_command_prints() {
        let documented = include_str!("../../../docs/flywheel_columns.py");
        assert_eq!(documented, module(), "flywheel schema > docs/flywheel_columns.py");
    }
}
