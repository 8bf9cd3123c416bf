//! Reasons that the service itself gives: kept on record in Swedish, as everything there, and told in the language of
//! whoever reads them.

use crate::locale::Locale;

/// In Swedish, and in English.
pub type Reason = (&'static str, &'static str);

pub const AGREEMENT_ENDED: Reason = ("Patientkontraktet avslutades.", "The agreement was ended.");
pub const PROPOSAL_FELL: Reason =
    ("Förslaget föll när planen ändrades.", "The proposal fell when the plan was changed.");
pub const REMOVED: Reason = ("Togs bort ur planen.", "Taken out of the plan.");
pub const TAKEN_BACK: Reason = ("Förslaget togs tillbaka.", "The proposal was taken back.");
pub const DECLINED: Reason = ("Förslaget avböjdes.", "The proposal was declined.");
pub const PLANNED_END: Reason = ("Planerat slut", "Planned end");
pub const DIED: Reason = ("Patienten har avlidit.", "The patient has died.");
pub const WANTS_HELP: Reason = (
    "Patienten har svarat ja på frågan: Vill du ha hjälp att samordna din vård?",
    "The patient has answered yes to the question: Would you like help to coordinate your care?",
);
pub const ACCEPTED: Reason =
    ("Patienten har tackat ja till en kontakt.", "The patient has accepted the offer of a contact.");

const ALL: [Reason; 9] =
    [AGREEMENT_ENDED, PROPOSAL_FELL, REMOVED, TAKEN_BACK, DECLINED, PLANNED_END, DIED, WANTS_HELP, ACCEPTED];

/// A reason on record, for the reader. Somebody's own words stand as they are.
pub fn told(on_record: String, locale: Locale) -> String {
    ALL.iter().find(|(sv, _)| *sv == on_record).map_or(on_record, |(sv, en)| locale.pick(sv, en).to_owned())
}
