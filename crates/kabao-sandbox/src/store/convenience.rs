//! What follows from the trait's methods, for every backend alike.

use std::sync::{Arc, Mutex, PoisonError};

use super::{ClockSetting, Needs, Store, StoreError, Workspace};
use crate::{
    domain::{CardTemplate, UserCard, UserCardId},
    refusal::Refusal,
};

/// Decides a change of one card: changes it in place, or refuses and leaves no
/// trace. It may run more than once if a race is lost.
pub type UserCardRule = Arc<dyn Fn(&mut UserCard) -> Result<(), Refusal> + Send + Sync>;

impl dyn Store + '_ {
    /// Lets a rule decide over what it needs, and gives what it came to once
    /// that is saved. The inner error is the rule's refusal. See
    /// [`Rule`](super::Rule) for what a rule may do.
    ///
    /// # Errors
    /// [`StoreError`]; whether it was applied is then unknown.
    pub async fn decide<T: Send + 'static>(
        &self,
        needs: Needs,
        rule: impl Fn(&mut Workspace) -> Result<T, Refusal> + Send + Sync + 'static,
    ) -> Result<Result<T, Refusal>, StoreError> {
        // The last run is the one that counts.
        let outcome = Arc::new(Mutex::new(None));
        let told = Arc::clone(&outcome);
        let rule = Arc::new(move |workspace: &mut Workspace| {
            let value = rule(workspace)?;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        });
        if let Err(refusal) = self.apply(needs, rule).await? {
            return Ok(Err(refusal));
        }
        let value = outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        value.map(Ok).ok_or_else(|| StoreError::Backend {
            context: "applying a rule".into(),
            source: "it was said to be done and never ran".into(),
        })
    }

    /// Changes the clock from how it stands, or refuses to. The inner error is the
    /// refusal.
    ///
    /// # Errors
    /// [`StoreError`]; whether it was changed is then unknown.
    pub async fn change_clock<E>(
        &self,
        change: impl Fn(ClockSetting) -> Result<ClockSetting, E>,
    ) -> Result<Result<ClockSetting, E>, StoreError> {
        loop {
            let from = self.clock().await?;
            let to = match change(from) {
                Ok(to) => to,
                refused => return Ok(refused),
            };
            if self.set_clock(from, to).await? {
                return Ok(Ok(to));
            }
        }
    }

    /// Reads one card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user_card(&self, id: &UserCardId) -> Result<Option<UserCard>, StoreError> {
        let (card_id, code) = (&*id.card_id, &*id.user_card_code);
        let needs = Needs::of(&*id.brand_id).user_card(card_id, code);
        Ok(self.load(&needs).await?.into_user_card(card_id, code))
    }

    /// Reads one template.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn card_template(
        &self,
        brand_id: &str,
        card_id: &str,
    ) -> Result<Option<CardTemplate>, StoreError> {
        let workspace = self
            .load(&Needs::of(brand_id).card_template(card_id))
            .await?;
        Ok(workspace.card_template(card_id).cloned())
    }

    /// Changes one card by `rule`, in one transaction, and gives it as it is
    /// then. `None` if there is no such card; the inner error if the rule
    /// refused.
    ///
    /// # Errors
    /// [`StoreError`]; whether it was applied is then unknown.
    pub async fn change_user_card(
        &self,
        id: &UserCardId,
        rule: UserCardRule,
    ) -> Result<Option<Result<UserCard, Refusal>>, StoreError> {
        let needs = Needs::of(&*id.brand_id).user_card(&*id.card_id, &*id.user_card_code);
        let id = id.clone();
        let decided = self.decide(needs, move |workspace| {
            let found = workspace.user_card(&id.card_id, &id.user_card_code);
            let Some(mut card) = found.cloned() else {
                return Ok(None);
            };
            rule(&mut card)?;
            workspace.put_user_card(card.clone());
            Ok(Some(card))
        });
        Ok(decided.await?.transpose())
    }
}
