//! A bucket for tests: an S3 over HTTP on this machine, whose objects are the files of a folder. So a lake can be made as a folder
//! and operated as a bucket. It serves the requests that the lake and the Delta table make, over connections that stay open, as S3
//! does. Its threads are none of the program's runtime.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use flywheel_dataset::object_sha256;

/// A fixed time: no command depends on the time of an object.
const MODIFIED: [(&str, &str); 2] = [("Last-Modified", "Mon, 23 Nov 2026 10:00:00 GMT"), ("Accept-Ranges", "bytes")];

/// The faults of a bucket.
#[derive(Default)]
struct Faults {
    /// A part of the keys whose writes get no answer.
    stalled: Option<String>,
    /// The number of writes and deletions before all are refused.
    writes_left: Option<u32>,
}

impl Faults {
    /// Takes one write or deletion. `false` refuses it.
    fn write(&mut self) -> bool {
        let Some(left) = self.writes_left else { return true };
        self.writes_left = Some(left.saturating_sub(1));
        left > 0
    }
}

pub(crate) struct Bucket {
    endpoint: String,
    faults: Arc<Mutex<Faults>>,
}

impl Bucket {
    /// Serves a folder as the bucket `a-lake`.
    pub(crate) fn of(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (faults, store) =
            (Arc::<Mutex<Faults>>::default(), Store { folder: folder.to_owned(), writes: Arc::default() });
        let of_store = faults.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (store, faults) = (store.clone(), of_store.clone());
                thread::spawn(move || store.serve(&connection.unwrap(), &faults));
            }
        });
        Self { endpoint, faults }
    }

    /// From now on, writes of objects with this in their keys get no answer.
    pub(crate) fn stall(&self, key_part: &str) {
        self.faults.lock().unwrap().stalled = Some(key_part.to_owned());
    }

    /// Refuses all writes and deletions after so many, as if the client had died; none: takes all from now on.
    pub(crate) fn refuse_after(&self, writes: Option<u32>) {
        self.faults.lock().unwrap().writes_left = writes;
    }

    /// Returns a command on the bucket.
    pub(crate) fn flywheel(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flywheel"));
        command.args(arguments).args(["--lake", "s3://a-lake"]).env("AWS_ENDPOINT_URL", &self.endpoint);
        let none_of_this_machine = [("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")];
        command.env_remove("AWS_PROFILE").envs(none_of_this_machine).env("FLYWHEEL_CONTRIBUTOR_KEY", "key");
        command.envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "us-east-1")]);
        command
    }
}

struct Request {
    method: String,
    key: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    fn error(status: u16, code: &str) -> Self {
        Self::new(status, format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"))
    }
}

#[derive(Clone)]
struct Store {
    folder: PathBuf,
    /// One write at a time, so that a conditional one is atomic.
    writes: Arc<Mutex<()>>,
}

impl Store {
    fn serve(&self, connection: &TcpStream, faults: &Mutex<Faults>) {
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        while let Ok(Some(request)) = read(&mut reader) {
            let is_write = ["PUT", "DELETE"].contains(&request.method.as_str());
            let stalled = faults.lock().unwrap().stalled.clone();
            if is_write && stalled.is_some_and(|key_part| request.key.contains(&key_part)) {
                loop {
                    thread::park();
                }
            }
            let is_taken = !is_write || faults.lock().unwrap().write();
            let Answer { status, headers, body } =
                if is_taken { self.answer(&request) } else { Answer::error(403, "AccessDenied") };
            let mut head = format!("HTTP/1.1 {status} -\r\n");
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            let is_head = request.method == "HEAD";
            if !is_head {
                head += &format!("Content-Length: {}\r\n", body.len());
            }
            let body = if is_head { &[][..] } else { &body };
            if (&*connection).write_all(&[head.as_bytes(), b"\r\n", body].concat()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        match (request.method.as_str(), request.key.is_empty()) {
            ("GET", true) => self.list(request),
            ("GET" | "HEAD", false) => self.get(request),
            ("PUT", false) => self.put(request),
            ("DELETE", false) => {
                let _ = fs::remove_file(self.folder.join(&request.key));
                Answer::new(204, "")
            }
            _ => Answer::error(501, "NotImplemented"),
        }
    }

    fn get(&self, request: &Request) -> Answer {
        let Ok(body) = fs::read(self.folder.join(&request.key)) else { return Answer::error(404, "NoSuchKey") };
        let fixed = MODIFIED.map(|(name, value)| (name, value.to_owned()));
        let mut headers: Vec<_> = fixed.into_iter().chain([("ETag", entity_tag(&body))]).collect();
        if request.method == "HEAD" {
            headers.push(("Content-Length", body.len().to_string()));
            return Answer { status: 200, headers, body };
        }
        let Some(range) = request.header("range") else { return Answer { status: 200, headers, body } };
        let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) => (first, last.min(body.len() - 1)),
            (Ok(first), Err(_)) => (first, body.len() - 1),
            (Err(_), Ok(suffix)) => (body.len().saturating_sub(suffix), body.len() - 1),
            (Err(_), Err(_)) => return Answer::error(416, "InvalidRange"),
        };
        headers.push(("Content-Range", format!("bytes {first}-{last}/{}", body.len())));
        Answer { status: 206, headers, body: body[first..=last].to_vec() }
    }

    fn put(&self, request: &Request) -> Answer {
        let _one_at_a_time = self.writes.lock().unwrap();
        let path = self.folder.join(&request.key);
        let stored = fs::read(&path).ok();
        let is_expected = match (request.header("if-none-match"), request.header("if-match")) {
            (Some(_), _) => stored.is_none(),
            (None, Some(expected)) => stored.is_some_and(|body| entity_tag(&body) == expected),
            (None, None) if request.key.contains("/input/") || request.key.starts_with("dpo_gold_v1/") => {
                // The bucket's policy may refuse unconditional writes to what is written once.
                return Answer::error(403, "AccessDenied");
            }
            (None, None) => true,
        };
        if !is_expected {
            return Answer::error(412, "PreconditionFailed");
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &request.body).unwrap();
        Answer { headers: vec![("ETag", entity_tag(&request.body))], ..Answer::new(200, "") }
    }

    /// Lists objects, or versions of objects, on one page.
    fn list(&self, request: &Request) -> Answer {
        let prefix = request.parameter("prefix").unwrap_or_default();
        let after = request.parameter("start-after").unwrap_or_default();
        let mut keys = Vec::new();
        self.collect(&self.folder, &mut keys);
        keys.retain(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
        keys.sort();
        let is_of_versions = request.parameter("versions").is_some();
        let (element, version) = if is_of_versions {
            ("Version", "<VersionId>null</VersionId><IsLatest>true</IsLatest>")
        } else {
            ("Contents", "")
        };
        let (mut listed, mut folders) = (String::new(), Vec::new());
        for (key, size) in keys {
            let rest = &key[prefix.len()..];
            let folder = request.parameter("delimiter").and_then(|delimiter| rest.split_once(delimiter));
            if let Some((folder, _)) = folder {
                folders.push(format!("{prefix}{folder}/"));
                continue;
            }
            listed += &format!(
                "<{element}><Key>{key}</Key>{version}<LastModified>2026-11-23T10:00:00.000Z</LastModified>\
                 <ETag>&quot;x&quot;</ETag><Size>{size}</Size></{element}>"
            );
        }
        folders.dedup();
        for folder in folders {
            listed += &format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
        }
        let root = if is_of_versions { "ListVersionsResult" } else { "ListBucketResult" };
        let body = format!("<{root}><Name>a-lake</Name><IsTruncated>false</IsTruncated>{listed}</{root}>");
        Answer { headers: vec![("Content-Type", "application/xml".to_owned())], ..Answer::new(200, body) }
    }

    fn collect(&self, folder: &Path, keys: &mut Vec<(String, u64)>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.collect(&path, keys);
            } else if let Ok(metadata) = fs::metadata(&path) {
                let key = path.strip_prefix(&self.folder).unwrap().to_str().unwrap();
                let is_key = !path.file_name().unwrap().to_str().unwrap().starts_with('.');
                keys.extend(is_key.then(|| (key.to_owned(), metadata.len())));
            }
        }
    }
}

fn entity_tag(body: &[u8]) -> String {
    format!("\"{}\"", object_sha256(body))
}

/// Reads a request; none if the client closed the connection.
fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let key = decoded(path).trim_start_matches("/a-lake").trim_start_matches('/').to_owned();
    let parameter = |pair: &str| {
        pair.split_once('=').map_or((decoded(pair), String::new()), |(name, value)| (decoded(name), decoded(value)))
    };
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(parameter).collect();
    Ok(Some(Request { method, key, query, headers, body }))
}

/// Decodes a percent-encoded text.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
