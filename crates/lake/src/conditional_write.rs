use crate::ports::Moved;

/// The precondition of a write.
pub(crate) enum Condition<'a> {
    /// There is no object under the key.
    Absent,
    /// The object under the key has this entity tag.
    EntityTag(&'a str),
    /// No condition.
    Always,
}

impl<'a> Condition<'a> {
    /// Returns the condition that the stored object is still the one loaded with this entity tag, or still absent.
    pub(crate) fn is_still(entity_tag: Option<&'a str>) -> Self {
        entity_tag.map_or(Self::Absent, Self::EntityTag)
    }
}

/// A conditional write's outcome, transport aside.
pub(crate) enum Put {
    Written,
    PreconditionFailed,
}

impl From<Put> for Moved {
    fn from(put: Put) -> Self {
        match put {
            Put::Written => Self::Moved,
            Put::PreconditionFailed => Self::WasMovedBefore,
        }
    }
}
