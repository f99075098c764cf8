use kabao_core::card_member::Card;

/// A card template as the sandbox keeps it: the documented object, and who made
/// it, for that decides names and keys of its notifications.
#[derive(Debug, Clone, PartialEq)]
pub struct CardTemplate {
    /// The documented object.
    pub card: Card,
    /// The mchid that made it; `None` if the brand itself did.
    pub created_by_mchid: Option<String>,
}
