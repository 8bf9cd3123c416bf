//! The demo's three care providers, four units and their staff. Their organisations have numbers that nobody has.

use entity::{
    appointment_type::{Mode, WebBooking},
    assignment::Role::{self, Admin, Analyst, Care, Coordinator, UnitManager},
    care_provider, care_unit,
};

use super::super::{
    people,
    units::{TypeText, UnitText, WorkerText},
    writer::{Unit, Writer},
};
use crate::error::Fault;

/// The demo's staff: of the region, and of the municipality.
pub const REGION: &str = "SE9999990001";
const MUNICIPALITY: &str = "SE9999990002";
const CLINIC: &str = "SE9999990003";

/// The demo's units.
pub struct Units {
    /// A health centre (vårdcentral).
    pub health_centre: Unit,
    /// A heart clinic at a hospital.
    pub heart: Unit,
    /// The municipality's home care.
    pub home: Unit,
    /// A private clinic.
    pub rehab: Unit,
}

const fn offer(
    name: &'static str,
    mode: Mode,
    minutes: i32,
    cancel_days: i32,
    preparation: Option<&'static str>,
) -> TypeText {
    TypeText { name, mode, minutes, web: WebBooking::Everyone, cancel_days, preparation }
}

pub fn write(writer: &mut Writer) -> Result<Units, Fault> {
    let region = writer.provider(REGION, "Region Exempel", care_provider::Kind::Region);
    let municipality = writer.provider(MUNICIPALITY, "Exempelby kommun", care_provider::Kind::Municipality);
    let clinic = writer.provider(CLINIC, "Rörelse i Exempelby AB", care_provider::Kind::Private);
    let after_hours = || ("1177", writer.core.settings.after_hours_phone.clone());
    let unit = |provider, hsa_id: String, name: &str, phone: u64, address: &str, after_hours| UnitText {
        provider,
        hsa_id,
        name: name.to_owned(),
        kind: care_unit::Kind::HealthCare,
        phone: people::landline(phone),
        address: Some(address.to_owned()),
        after_hours,
        sensitive: false,
    };
    let texts = [
        unit(
            region,
            format!("{REGION}-V100"),
            "Ängens vårdcentral",
            10,
            "Ängsvägen 4, Exempelby",
            after_hours(),
        ),
        unit(
            region,
            format!("{REGION}-V200"),
            "Hjärtmottagningen, Exempelsjukhuset",
            20,
            "Sjukhusvägen 1, plan 3, Exempelstad",
            after_hours(),
        ),
        UnitText {
            kind: care_unit::Kind::SocialCare,
            ..unit(
                municipality,
                format!("{MUNICIPALITY}-V300"),
                "Hemvården i Exempelby",
                30,
                "Torget 2, Exempelby",
                ("Hemvårdens jour", people::landline(31)),
            )
        },
        unit(
            clinic,
            format!("{CLINIC}-V400"),
            "Rörelse i Exempelby, rehab",
            40,
            "Bruksgatan 7, Exempelby",
            after_hours(),
        ),
    ];
    let [health_centre, heart, home, rehab] = texts;
    Ok(Units {
        health_centre: writer.unit(
            health_centre,
            &[
                offer(
                    "Besök",
                    Mode::Visit,
                    30,
                    1,
                    Some("Ta med din läkemedelslista och dina egna mätvärden."),
                ),
                offer("Telefontid", Mode::Phone, 15, 1, None),
                offer("Videobesök", Mode::Video, 20, 1, Some("Logga in fem minuter före.")),
            ],
            staff(
                REGION,
                1000,
                &[
                    ("Maria Provlind", "Distriktssköterska", Care),
                    ("Johan Provberg", "Distriktsläkare", Care),
                    ("Åsa Provgren", "Fysioterapeut", Care),
                    ("Lena Provdal", "Vårdsamordnare", Coordinator),
                    ("Karin Provsjö", "Verksamhetschef", UnitManager),
                    ("Erik Provåker", "Verksamhetsutvecklare", Analyst),
                    ("Sara Provqvist", "Systemförvaltare", Admin),
                ],
            ),
        )?,
        heart: writer.unit(
            heart,
            &[
                offer(
                    "Återbesök",
                    Mode::Visit,
                    30,
                    3,
                    Some("Väg dig samma morgon och ta med dina vikter. Ät som vanligt."),
                ),
                offer("Telefonuppföljning", Mode::Phone, 20, 1, None),
                offer("Videomöte", Mode::Video, 20, 1, None),
            ],
            staff(
                REGION,
                2000,
                &[
                    ("Amina Provhav", "Hjärtsviktssjuksköterska", Care),
                    ("Henrik Provstrand", "Överläkare", Care),
                    ("Noor Provmark", "Biomedicinsk analytiker", Care),
                    ("Pia Provholm", "Vårdkoordinator", Coordinator),
                    ("Göran Provvik", "Enhetschef", UnitManager),
                ],
            ),
        )?,
        home: writer.unit(
            home,
            &[
                TypeText {
                    web: WebBooking::Nobody,
                    ..offer("Hembesök", Mode::Home, 45, 1, Some("Någon ska kunna öppna dörren."))
                },
                offer("Telefonsamtal", Mode::Phone, 15, 1, None),
                offer("Besök på mottagningen", Mode::Visit, 30, 1, None),
            ],
            staff(
                MUNICIPALITY,
                3000,
                &[
                    ("Eva Provskog", "Undersköterska", Care),
                    ("Tomas Provdamm", "Arbetsterapeut", Care),
                    ("Fatima Provros", "Sjuksköterska", Care),
                    ("Björn Provfors", "Samordnare", Coordinator),
                    ("Ulla Provmyr", "Enhetschef", UnitManager),
                ],
            ),
        )?,
        rehab: writer.unit(
            rehab,
            &[
                offer("Träning i grupp", Mode::Visit, 60, 1, Some("Ta med inneskor och en vattenflaska.")),
                offer("Besök", Mode::Visit, 30, 1, None),
                offer("Videosamtal", Mode::Video, 20, 1, None),
            ],
            staff(
                CLINIC,
                4000,
                &[
                    ("Samir Provberga", "Fysioterapeut", Care),
                    ("Ylva Provlid", "Arbetsterapeut", Care),
                    ("Olof Provhed", "Verksamhetschef", UnitManager),
                ],
            ),
        )?,
    })
}

/// Numbered from `first` on: `…-1001` is the person, `…-1001-A` the assignment.
fn staff(organisation: &str, first: usize, list: &[(&str, &'static str, Role)]) -> Vec<WorkerText> {
    list.iter()
        .enumerate()
        .map(|(n, (name, title, role))| WorkerText {
            name: (*name).to_owned(),
            title,
            role: *role,
            person_hsa_id: format!("{organisation}-{}", first + n + 1),
            assignment_hsa_id: format!("{organisation}-{}-A", first + n + 1),
        })
        .collect()
}
