use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use futures_util::stream::{Stream, StreamExt as _, unfold};
use kabao_core::card_member::Listing;

use super::CardMember;
use crate::error::Result;

/// The rows of a list, to its end: a [`Stream`] that fetches a page when the one
/// before is used up, and that works without any crate for streams, too
/// ([`next`](Self::next)).
///
/// It begins with the list's `offset` and takes `limit` rows a page. It ends
/// where `total_count`, as the latest page has it, is reached, with an empty
/// page, or after an error, which it gives once. A list may grow while it is
/// read, but is not followed beyond twice its first length. (Rows that come or
/// go meanwhile move the others: a row can show up twice or be missed.)
#[must_use = "nothing is fetched before a row is asked for"]
pub struct Rows<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

impl<T: Send + 'static> Rows<T> {
    pub(super) fn new<L>(members: CardMember, list: L) -> Self
    where
        L: Listing<Row = T> + Send + Sync + 'static,
    {
        let pages = Pages {
            members,
            list: Some(list),
            most: None,
            page: Vec::new().into_iter(),
        };
        let rows = unfold(pages, |mut pages| async {
            let row = pages.next().await?;
            Some((row, pages))
        });
        Self(Box::pin(rows.fuse()))
    }
}

impl<T> Rows<T> {
    /// The next row; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|context| self.0.as_mut().poll_next(context)).await
    }
}

impl<T> Stream for Rows<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows")
    }
}

/// Where reading stands.
struct Pages<L: Listing> {
    members: CardMember,
    /// Reads the next page; `None` if there is none.
    list: Option<L>,
    /// Where reading ends, whatever the pages say then.
    most: Option<u64>,
    page: vec::IntoIter<L::Row>,
}

impl<L: Listing> Pages<L> {
    async fn next(&mut self) -> Option<Result<L::Row>> {
        if let Some(row) = self.page.next() {
            return Some(Ok(row));
        }
        let mut list = self.list.take()?;
        let page = match self.members.send(&list).await {
            Ok(page) => page,
            Err(error) => return Some(Err(error)),
        };
        // A server that kept adding rows would be followed for ever.
        let most = *self.most.get_or_insert(page.total_count.saturating_mul(2));
        let offset = list.offset_mut();
        // By what came, not by what was asked for: a short page loses no row.
        *offset = offset.saturating_add(page.data.len() as u64);
        let is_last = *offset >= page.total_count.min(most);
        self.page = page.data.into_iter();
        let row = self.page.next()?;
        if !is_last {
            self.list = Some(list);
        }
        Some(Ok(row))
    }
}
