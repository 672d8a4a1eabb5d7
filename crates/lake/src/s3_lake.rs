use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Config;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::Object as StoredObject;
use bytes::Bytes;
use flywheel_base::{Route, instant::Millis};
use flywheel_log::{BREAKER_KEY, Breaker, ListedPart, POINTER_KEY, PartName, Pointer, part_keys_from, route_prefix};
use flywheel_training::{LIVE_KEY, LiveModel};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::conditional_write::{Condition, Put};
use crate::error::LakeError;
use crate::ports::{
    CountRows, EraseObject, ListKeys, ListParts, ListRoute, Listing, LoadBreaker, LoadLive, LoadPointer, LoadedBreaker,
    LoadedLive, LoadedPointer, MoveBreaker, MoveLive, MovePointer, Moved, ReadPart, ReplaceObject, RewriteObject,
    VisitObject, WriteFile, WritePart,
};
use crate::stored;

/// The attempts at a write that S3 answers with 409: another conditional write to the same key was under way.
const CONFLICT_ATTEMPTS: u32 = 5;

/// The wait before a retry after a 409; each further one doubles it.
const CONFLICT_WAIT: Duration = Duration::from_millis(50);

/// The time-out of one attempt to write a file: 5 GB, the most that one request takes, at 20 MB a second.
const FILE_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(250);

/// The time-out of all attempts together.
const FILE_TIMEOUT: Duration = Duration::from_secs(600);

/// The lake in an S3 bucket.
#[derive(Debug, Clone)]
pub struct S3Lake {
    client: Client,
    bucket: String,
    /// The tags of written files, in the form of a query.
    file_tags: Option<String>,
}

impl S3Lake {
    /// Returns the lake in the given bucket.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, bucket: &str) -> Self {
        Self { client: Client::new(config), bucket: bucket.to_owned(), file_tags: None }
    }

    /// Tags each object that [`WriteFile::write_file`] writes, except compactions of liked outputs. It takes `s3:PutObjectTagging`. A lifecycle rule of the bucket goes by
    /// the tag: a rule's prefix cannot name the input folder of every run.
    #[must_use]
    pub fn with_file_tag(self, name: &str, value: &str) -> Self {
        Self { file_tags: Some(format!("{name}={value}")), ..self }
    }

    /// Returns the tags of a file. A compaction of liked outputs has none: later runs read it, so it must not expire.
    fn tags_of(&self, key: &str) -> Option<String> {
        self.file_tags.clone().filter(|_| !key.contains("/input/replay_log-"))
    }

    async fn put(&self, key: &str, object: &Object<'_>, condition: &Condition<'_>) -> Result<Put, LakeError> {
        let mut wait = CONFLICT_WAIT;
        for _ in 0..CONFLICT_ATTEMPTS {
            match put_outcome(key, self.put_request(key, object, condition).send().await) {
                Err(PutFailure::Conflict) => tokio::time::sleep(wait).await,
                Err(PutFailure::Other(error)) => return Err(error),
                Ok(put) => return Ok(put),
            }
            wait *= 2;
        }
        Err(LakeError::new("write", key, "other writes to this key kept going first"))
    }

    /// Returns the parts of a route after a key, written until `until`. It requests pages until there are at least `most` parts.
    async fn listing(&self, route: Route, after: &str, until: Millis, most: u64) -> Result<Listing, LakeError> {
        let prefix = route_prefix(route);
        let pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(&prefix);
        let mut pages = pages.start_after(after).into_paginator().send();
        let mut listing = Listing::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| LakeError::caused("list", &prefix, &error))?;
            listing.requests += 1;
            let listed = page.contents().iter().filter_map(|object| listed_part(object, route));
            let (within, later): (Vec<_>, Vec<_>) = listed.partition(|part| part.name.written_at <= until);
            listing.parts.extend(within);
            if !later.is_empty() || listing.parts.len() as u64 >= most {
                break;
            }
        }
        Ok(listing)
    }

    async fn get(&self, key: &str) -> Result<GetObjectOutput, LakeError> {
        let object = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        object.map_err(|error| match error.as_service_error() {
            Some(service_error) if service_error.is_no_such_key() => LakeError::missing("read", key),
            _ => LakeError::caused("read", key, &error),
        })
    }

    async fn get_tagged(&self, key: &str) -> Result<(Bytes, Option<String>), LakeError> {
        let object = self.get(key).await?;
        let entity_tag = object.e_tag().map(str::to_owned);
        let body = object.body.collect().await.map_err(|error| LakeError::caused("read", key, &error))?;
        Ok((body.into_bytes(), entity_tag))
    }

    async fn load<T: DeserializeOwned + Default>(&self, key: &str) -> Result<(T, Option<String>), LakeError> {
        match self.get_tagged(key).await {
            Ok((body, entity_tag)) => Ok((stored::parse(key, &body)?, entity_tag)),
            Err(error) if error.is_missing() => Ok((T::default(), None)),
            Err(error) => Err(error),
        }
    }

    async fn store<T: Serialize + Sync>(&self, key: &str, value: &T, still: Option<&str>) -> Result<Moved, LakeError> {
        let body = serde_json::to_vec(value).map_err(|error| LakeError::caused("write", key, &error))?;
        let object = Object { body: body.into(), content_type: "application/json" };
        self.put(key, &object, &Condition::is_still(still)).await.map(Moved::from)
    }

    async fn erase_versions(
        &self,
        key: &str,
        versions: impl IntoIterator<Item = StoredVersion>,
    ) -> Result<(), LakeError> {
        for version in versions {
            let request = self.client.delete_object().bucket(&self.bucket).key(key).version_id(version.id);
            request.send().await.map_err(|error| LakeError::caused("erase", key, &error))?;
        }
        Ok(())
    }

    /// Returns all versions of an object, delete markers included. (In a bucket without versioning the one object has the id
    /// `null`, which works as well.)
    async fn versions_of(&self, key: &str) -> Result<Vec<StoredVersion>, LakeError> {
        let mut found = Vec::new();
        let (mut key_marker, mut version_marker) = (None, None);
        loop {
            let request = self.client.list_object_versions().bucket(&self.bucket).prefix(key);
            let request = request.set_key_marker(key_marker).set_version_id_marker(version_marker);
            let page = request.send().await.map_err(|error| LakeError::caused("list versions of", key, &error))?;
            let versions =
                page.versions().iter().map(|version| (version.key(), version.version_id(), version.is_latest()));
            let markers =
                page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id(), marker.is_latest()));
            // Other keys may begin with this one.
            let of_key = versions.chain(markers).filter(|(of, ..)| *of == Some(key));
            found.extend(of_key.filter_map(|(_, id, is_latest)| {
                Some(StoredVersion { id: id?.to_owned(), is_latest: is_latest.unwrap_or(true) })
            }));
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            key_marker = page.next_key_marker().map(str::to_owned);
            version_marker = page.next_version_id_marker().map(str::to_owned);
        }
    }

    fn put_request(&self, key: &str, object: &Object<'_>, condition: &Condition<'_>) -> PutObjectFluentBuilder {
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(object.content_type)
            .body(object.body.clone().into());
        match condition {
            Condition::Absent => request.if_none_match("*"),
            Condition::EntityTag(entity_tag) => request.if_match(*entity_tag),
            Condition::Always => request,
        }
    }
}

/// A version of a stored object, or a delete marker.
struct StoredVersion {
    id: String,
    is_latest: bool,
}

struct Object<'a> {
    /// The attempts to write it share it without a copy.
    body: Bytes,
    content_type: &'a str,
}

enum PutFailure {
    Conflict,
    Other(LakeError),
}

fn put_outcome<T>(key: &str, sent: Result<T, SdkError<PutObjectError>>) -> Result<Put, PutFailure> {
    let Err(error) = sent else { return Ok(Put::Written) };
    match error.raw_response().map(|response| response.status().as_u16()) {
        Some(412) => Ok(Put::PreconditionFailed),
        Some(409) => Err(PutFailure::Conflict),
        _ => Err(PutFailure::Other(LakeError::caused("write", key, &error))),
    }
}

impl WritePart for S3Lake {
    async fn write_part(&self, key: &str, body: String) -> Result<(), LakeError> {
        let object = Object { body: body.into(), content_type: "application/x-ndjson" };
        match self.put(key, &object, &Condition::Absent).await? {
            Put::Written | Put::PreconditionFailed => Ok(()),
        }
    }
}

impl ListParts for S3Lake {
    async fn list_parts(&self, after: &str) -> Result<Listing, LakeError> {
        self.listing(Route::Gold, after, Millis::MAX, u64::MAX).await
    }
}

impl ListRoute for S3Lake {
    async fn list_route(&self, route: Route, within: RangeInclusive<Millis>, most: u64) -> Result<Listing, LakeError> {
        self.listing(route, &part_keys_from(route, *within.start()), *within.end(), most).await
    }
}

fn listed_part(object: &StoredObject, route: Route) -> Option<ListedPart> {
    let name = PartName::of_key(object.key()?, route)?;
    let last_modified = object.last_modified()?.to_millis().ok()?;
    let bytes = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    Some(ListedPart { name, last_modified: u64::try_from(last_modified).ok()?, bytes })
}

impl ReadPart for S3Lake {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        let (body, _) = self.get_tagged(key).await?;
        Ok(body.to_vec())
    }
}

impl VisitObject for S3Lake {
    async fn visit_object(&self, key: &str, visit: &mut (dyn FnMut(&[u8]) + Send)) -> Result<(), LakeError> {
        let mut body = self.get(key).await?.body;
        while let Some(piece) = body.try_next().await.map_err(|error| LakeError::caused("read", key, &error))? {
            visit(&piece);
        }
        Ok(())
    }
}

impl WriteFile for S3Lake {
    async fn write_file(&self, key: &str, file: &Path) -> Result<(), LakeError> {
        let body = ByteStream::from_path(file).await.map_err(|error| LakeError::caused("write", key, &error))?;
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(FILE_ATTEMPT_TIMEOUT)
            .operation_timeout(FILE_TIMEOUT)
            .build();
        let request = self.client.put_object().bucket(&self.bucket).key(key).if_none_match("*").body(body);
        let request = request.content_type("application/x-ndjson").set_tagging(self.tags_of(key));
        let sent = request.customize().config_override(Config::builder().timeout_config(timeouts)).send().await;
        match put_outcome(key, sent) {
            Ok(Put::Written | Put::PreconditionFailed) => Ok(()),
            // Another attempt is writing the same key at this moment; the caller retries.
            Err(PutFailure::Conflict) => Err(LakeError::new("write", key, "another write to this key is under way")),
            Err(PutFailure::Other(error)) => Err(error),
        }
    }
}

impl ReplaceObject for S3Lake {
    async fn replace_object(&self, key: &str, body: String) -> Result<(), LakeError> {
        let object = Object { body: body.into(), content_type: "application/json" };
        self.put(key, &object, &Condition::Always).await.map(|_| ())
    }
}

impl RewriteObject for S3Lake {
    async fn rewrite_object(&self, key: &str, read: &[u8], body: String) -> Result<Moved, LakeError> {
        let (stored, entity_tag) = self.get_tagged(key).await?;
        let Some(entity_tag) = entity_tag.filter(|_| stored == read) else { return Ok(Moved::WasMovedBefore) };
        let object = Object { body: body.into(), content_type: "application/x-ndjson" };
        self.put(key, &object, &Condition::EntityTag(&entity_tag)).await.map(Moved::from)
    }
}

impl CountRows for S3Lake {
    async fn count_rows(&self, route: Route, from: Millis, to: Millis) -> Result<u64, LakeError> {
        let prefix = route_prefix(route);
        let pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(&prefix);
        let mut pages = pages.start_after(part_keys_from(route, from)).into_paginator().send();
        let mut rows = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| LakeError::caused("list", &prefix, &error))?;
            let names = page.contents().iter().filter_map(|object| PartName::of_key(object.key()?, route));
            let (within, later): (Vec<_>, Vec<_>) = names.partition(|name| name.written_at <= to);
            rows += within.iter().map(|name| name.rows).sum::<u64>();
            if !later.is_empty() {
                break;
            }
        }
        Ok(rows)
    }
}

impl ListKeys for S3Lake {
    async fn list_keys(&self, prefix: &str) -> Result<Vec<String>, LakeError> {
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| LakeError::caused("list", prefix, &error))?;
            keys.extend(page.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
        }
        Ok(keys)
    }
}

impl EraseObject for S3Lake {
    async fn erase_object(&self, key: &str) -> Result<(), LakeError> {
        let versions = self.versions_of(key).await?;
        self.erase_versions(key, versions).await
    }

    async fn erase_older_versions(&self, key: &str) -> Result<(), LakeError> {
        let versions = self.versions_of(key).await?;
        self.erase_versions(key, versions.into_iter().filter(|version| !version.is_latest)).await
    }
}

impl LoadPointer for S3Lake {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        let (pointer, entity_tag) = self.load(POINTER_KEY).await?;
        Ok(LoadedPointer { pointer, entity_tag })
    }
}

impl MovePointer for S3Lake {
    async fn move_pointer(&self, from: &LoadedPointer, to: &Pointer) -> Result<Moved, LakeError> {
        self.store(POINTER_KEY, to, from.entity_tag.as_deref()).await
    }
}

impl LoadBreaker for S3Lake {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        let (breaker, entity_tag) = self.load(BREAKER_KEY).await?;
        Ok(LoadedBreaker { breaker, entity_tag })
    }
}

impl MoveBreaker for S3Lake {
    async fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker) -> Result<Moved, LakeError> {
        self.store(BREAKER_KEY, to, from.entity_tag.as_deref()).await
    }
}

impl LoadLive for S3Lake {
    async fn load_live(&self) -> Result<LoadedLive, LakeError> {
        let (live, entity_tag) = self.load(LIVE_KEY).await?;
        Ok(LoadedLive { live, entity_tag })
    }
}

impl MoveLive for S3Lake {
    async fn move_live(&self, from: &LoadedLive, to: &LiveModel) -> Result<Moved, LakeError> {
        self.store(LIVE_KEY, to, from.entity_tag.as_deref()).await
    }
}
