use crate::ports::Moved;

/// What must be so for a write to happen.
pub(crate) enum Condition<'a> {
    /// There is no object under the key.
    Absent,
    /// The object under the key has this entity tag.
    EntityTag(&'a str),
    /// Nothing.
    Always,
}

impl<'a> Condition<'a> {
    /// What is stored is still what was loaded with this entity tag, or still nothing.
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
