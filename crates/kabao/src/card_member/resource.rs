//! What every part of the product is: a handle over [`CardMember`].
//!
//! [`CardMember`]: super::CardMember

/// Makes a resource. Its own file gives it its methods, each of which sends one
/// operation.
macro_rules! resource {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        #[derive(Debug, Clone)]
        pub struct $name(super::CardMember);

        impl $name {
            pub(super) fn new(members: &super::CardMember) -> Self {
                Self(members.clone())
            }

            /// Sends values that are known to be refused, to hear it from the
            /// API; see [`CardMember::unchecked`](super::CardMember::unchecked).
            #[must_use]
            pub fn unchecked(self) -> Self {
                Self(self.0.unchecked())
            }
        }
    };
}

pub(super) use resource;
