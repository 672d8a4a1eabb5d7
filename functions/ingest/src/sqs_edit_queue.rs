use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use flywheel_runtime::causes;

use crate::edit_queue::{EditQueue, Entry, EntryFault, QueueError};

/// The queue of edits in SQS.
#[derive(Debug)]
pub struct SqsEditQueue {
    client: Client,
    queue_url: String,
}

impl SqsEditQueue {
    /// The queue under the given URL.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, queue_url: &str) -> Self {
        Self { client: Client::new(config), queue_url: queue_url.to_owned() }
    }
}

impl EditQueue for SqsEditQueue {
    async fn send(&self, entries: &[Entry<'_>]) -> Result<Vec<EntryFault>, QueueError> {
        let requests = entries.iter().map(|entry| {
            SendMessageBatchRequestEntry::builder().id(entry.number.to_string()).message_body(entry.message).build()
        });
        let requests = requests.collect::<Result<Vec<_>, _>>().map_err(|error| QueueError(error.to_string()))?;
        let call = self.client.send_message_batch().queue_url(&self.queue_url).set_entries(Some(requests));
        // A call can be answered with 200 and still have failed for some of its messages.
        let answer = call.send().await.map_err(|error| QueueError(causes(&error)))?;
        let is_taken = |id: &str| answer.successful().iter().any(|taken| taken.id() == id);
        let is_permanent = |id: &str| answer.failed().iter().any(|failed| failed.id() == id && failed.sender_fault());
        // What the answer does not name as taken was not taken.
        let faults =
            entries.iter().map(|entry| (entry.number, entry.number.to_string())).filter(|(_, id)| !is_taken(id));
        Ok(faults.map(|(number, id)| EntryFault { number, is_permanent: is_permanent(&id) }).collect())
    }
}
