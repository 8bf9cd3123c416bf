//! Who may book a time themselves: one rule for search, for what is shown, and for booking.

/// The condition on `kind`, the alias of an `appointment_type`, under which `patient` may book its times on the web at
/// `now`; both are places or values of the statement. A listed patient counts as the unit's own, as does one with a care
/// relation in force there.
pub fn self_booking_sql(kind: &str, patient: &str, now: &str) -> String {
    format!(
        "{kind}.retired_at IS NULL AND ({kind}.web_booking = 'EVERYONE' OR ({kind}.web_booking = 'OWN_PATIENTS' AND (\
         EXISTS (SELECT 1 FROM patient own WHERE own.id = {patient} AND own.care_unit_id = {kind}.care_unit_id) OR \
         EXISTS (SELECT 1 FROM care_relation rel WHERE rel.patient_id = {patient} AND rel.care_unit_id = \
         {kind}.care_unit_id AND rel.valid_from <= {now} AND (rel.valid_until IS NULL OR rel.valid_until > {now})))))"
    )
}
