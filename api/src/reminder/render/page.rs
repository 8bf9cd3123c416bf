//! The pages behind the links in messages: they tell no more than the message did.

use minijinja::context;

use super::{Facts, Language, RenderError, Renderer, Tag, plain, shown_phone};

/// What a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The visit, and what can be done about it.
    Open,
    /// Asks once more before cancelling.
    AskCancel,
    Confirmed,
    Cancelled,
    /// Another time was asked for.
    Asked,
    /// What was asked for could not be done.
    Refused,
    /// The visit has been, was moved or cancelled.
    Gone,
    /// Asks whether there shall be no more messages.
    Unsubscribe,
    Unsubscribed,
}

impl Page {
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::AskCancel,
        Self::Confirmed,
        Self::Cancelled,
        Self::Asked,
        Self::Refused,
        Self::Gone,
        Self::Unsubscribe,
        Self::Unsubscribed,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::AskCancel => "ask_cancel",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Asked => "asked",
            Self::Refused => "refused",
            Self::Gone => "gone",
            Self::Unsubscribe => "unsubscribe",
            Self::Unsubscribed => "unsubscribed",
        }
    }

    /// Whether it names the visit.
    const fn tells_the_visit(self) -> bool {
        matches!(self, Self::Open | Self::AskCancel | Self::Confirmed | Self::Cancelled | Self::Asked)
    }
}

/// What is shown beside the facts of the message.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    pub page: Page,
    /// The patient has said that they will come.
    pub confirmed: bool,
    /// The patient may still cancel.
    pub can_cancel: bool,
}

impl Renderer {
    /// The page as HTML, in the language that the message was in.
    pub fn page(&self, facts: &Facts, shown: Shown) -> Result<String, RenderError> {
        let (tag, language) = self.language(&facts.language);
        self.page_in(tag, language, facts, shown)
    }

    pub(super) fn page_in(
        &self,
        tag: &Tag,
        language: &Language,
        facts: &Facts,
        shown: Shown,
    ) -> Result<String, RenderError> {
        let visit = facts.visit.as_ref().filter(|_| facts.kind.has_visit() && shown.page.tells_the_visit());
        let values = context! {
            page => shown.page.name(),
            when => visit.map_or_else(String::new, |visit| language.when(visit.starts_at, true)),
            place => if visit.is_some() { facts.places().join(", ") } else { String::new() },
            phone => shown_phone(&facts.unit_phone),
            sender => plain(&facts.sender_name),
            confirmed => shown.confirmed,
            can_cancel => shown.can_cancel,
        };
        self.templates.whole(tag, "page.html", values).map_err(|_| RenderError::Template)
    }
}
