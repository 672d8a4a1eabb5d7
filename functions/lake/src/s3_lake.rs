use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::types::Object as StoredObject;
use bytes::Bytes;
use flywheel_core::{ListedPart, POINTER_KEY, PartName, Pointer, Route, route_prefix};

use crate::conditional_write::{Condition, Put};
use crate::error::LakeError;
use crate::ports::{ListParts, Listing, LoadPointer, LoadedPointer, MovePointer, Moved, ReadPart, WritePart};

/// How often a write is sent that S3 answers with 409: another conditional write to the same key was under way.
const CONFLICT_ATTEMPTS: u32 = 5;

/// The wait before a write is sent again after a 409; each further one doubles it.
const CONFLICT_WAIT: Duration = Duration::from_millis(50);

/// The lake in an S3 bucket.
#[derive(Debug, Clone)]
pub struct S3Lake {
    client: Client,
    bucket: String,
}

impl S3Lake {
    /// The lake in the given bucket.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, bucket: &str) -> Self {
        Self { client: Client::new(config), bucket: bucket.to_owned() }
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
        }
    }
}

struct Object<'a> {
    /// Shared, not copied, by the attempts to write it.
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
        let prefix = route_prefix(Route::Gold);
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&prefix)
            .start_after(after)
            .into_paginator()
            .send();
        let mut listing = Listing::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| LakeError::caused("list", &prefix, &error))?;
            listing.requests += 1;
            listing.parts.extend(page.contents().iter().filter_map(listed_part));
        }
        Ok(listing)
    }
}

fn listed_part(object: &StoredObject) -> Option<ListedPart> {
    let name = PartName::of_key(object.key()?, Route::Gold)?;
    let last_modified = object.last_modified()?.to_millis().ok()?;
    let bytes = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    Some(ListedPart { name, last_modified: u64::try_from(last_modified).ok()?, bytes })
}

impl ReadPart for S3Lake {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        let object = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let object = object.map_err(|error| match error.as_service_error() {
            Some(service_error) if service_error.is_no_such_key() => LakeError::missing("read", key),
            _ => LakeError::caused("read", key, &error),
        })?;
        let body = object.body.collect().await.map_err(|error| LakeError::caused("read", key, &error))?;
        Ok(body.to_vec())
    }
}

impl LoadPointer for S3Lake {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        let object = match self.client.get_object().bucket(&self.bucket).key(POINTER_KEY).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => {
                return Ok(LoadedPointer { pointer: Pointer::default(), entity_tag: None });
            }
            Err(error) => return Err(LakeError::caused("read", POINTER_KEY, &error)),
        };
        let entity_tag = object.e_tag().map(str::to_owned);
        let body = object.body.collect().await.map_err(|error| LakeError::caused("read", POINTER_KEY, &error))?;
        let pointer = serde_json::from_slice(&body.into_bytes())
            .map_err(|error| LakeError::caused("understand", POINTER_KEY, &error))?;
        Ok(LoadedPointer { pointer, entity_tag })
    }
}

impl MovePointer for S3Lake {
    async fn move_pointer(&self, from: &LoadedPointer, to: &Pointer) -> Result<Moved, LakeError> {
        let body = serde_json::to_vec(to).map_err(|error| LakeError::caused("write", POINTER_KEY, &error))?;
        let object = Object { body: body.into(), content_type: "application/json" };
        match self.put(POINTER_KEY, &object, &Condition::is_still(from)).await? {
            Put::Written => Ok(Moved::Moved),
            Put::PreconditionFailed => Ok(Moved::WasMovedBefore),
        }
    }
}
