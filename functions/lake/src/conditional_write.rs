use crate::ports::LoadedPointer;

/// What must be so for a write to happen.
pub(crate) enum Condition<'a> {
    /// There is no object under the key.
    Absent,
    /// The object under the key has this entity tag.
    EntityTag(&'a str),
}

impl<'a> Condition<'a> {
    /// The stored pointer is still the one that was loaded.
    pub(crate) fn is_still(loaded: &'a LoadedPointer) -> Self {
        loaded.entity_tag.as_deref().map_or(Self::Absent, Self::EntityTag)
    }
}

/// A conditional write's outcome, transport aside.
pub(crate) enum Put {
    Written,
    PreconditionFailed,
}
