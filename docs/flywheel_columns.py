"""The columns of Flywheel's log, with their types, for readers of JSON that would guess them. Made by `flywheel schema`.

A guess goes by the first rows. It fails where those have only nulls, and takes a text that looks like a date for a timestamp.
Lines of another release may lack columns, which are null then, or have more, which are passed over.
"""

DUCKDB = {
    "pair_id": "VARCHAR",
    "event_id": "VARCHAR",
    "prompt": "VARCHAR",
    "chosen": "VARCHAR",
    "rejected": "VARCHAR",
    "similarity": "DOUBLE",
    "tags": "VARCHAR[]",
    "reasons": "VARCHAR[]",
    "scores": "STRUCT(word_similarity DOUBLE, region_similarity DOUBLE, toxicity DOUBLE, injection DOUBLE, unsupported_facts DOUBLE, loaded_language DOUBLE)",
    "policy": "VARCHAR",
    "contributor": "VARCHAR",
    "model": "STRUCT(id VARCHAR, adapter VARCHAR)",
    "thread_id": "VARCHAR",
    "occurred_at": "VARCHAR",
    "curated_at": "VARCHAR",
    "prompt_messages": "STRUCT(role VARCHAR, content VARCHAR)[]",
    "context": "STRUCT(key VARCHAR, value VARCHAR)[]",
    "feedback": "STRUCT(kind VARCHAR, rating BIGINT, comment VARCHAR, label BOOLEAN)",
    "response_id": "VARCHAR",
    "received_at": "VARCHAR",
    "output_id": "VARCHAR",
    "engine": "VARCHAR",
    "prompt_chat": "VARCHAR",
    "prompt_tools": "VARCHAR",
}
"""For `read_json(…, columns = …)`, in DuckDB's SQL and in Python alike."""


def arrow_schema():
    """The same for pyarrow, and what it takes from a line's path."""
    import pyarrow as pa

    return pa.schema([
        ("pair_id", pa.string()),
        ("event_id", pa.string()),
        ("prompt", pa.string()),
        ("chosen", pa.string()),
        ("rejected", pa.string()),
        ("similarity", pa.float64()),
        ("tags", pa.list_(pa.string())),
        ("reasons", pa.list_(pa.string())),
        ("scores", pa.struct([("word_similarity", pa.float64()), ("region_similarity", pa.float64()), ("toxicity", pa.float64()), ("injection", pa.float64()), ("unsupported_facts", pa.float64()), ("loaded_language", pa.float64())])),
        ("policy", pa.string()),
        ("contributor", pa.string()),
        ("model", pa.struct([("id", pa.string()), ("adapter", pa.string())])),
        ("thread_id", pa.string()),
        ("occurred_at", pa.string()),
        ("curated_at", pa.string()),
        ("prompt_messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("context", pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))),
        ("feedback", pa.struct([("kind", pa.string()), ("rating", pa.int64()), ("comment", pa.string()), ("label", pa.bool_())])),
        ("response_id", pa.string()),
        ("received_at", pa.string()),
        ("output_id", pa.string()),
        ("engine", pa.string()),
        ("prompt_chat", pa.string()),
        ("prompt_tools", pa.string()),
        ("route", pa.string()),
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
