//! What another program reads in a calendar: Python's `icalendar`, which shares nothing with the one that writes.
#![allow(clippy::expect_used, reason = "a test that cannot parse has failed")]

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::python::python;

/// Reads a calendar from standard input; writes its events, with every text as a reader would see it.
const SCRIPT: &str = r#"
import datetime, json, sys, zoneinfo
import icalendar
data = sys.stdin.buffer.read()
calendar = icalendar.Calendar.from_ical(data)
assert not calendar.errors, calendar.errors
stockholm = zoneinfo.ZoneInfo("Europe/Stockholm")
def text(event, name):
    return str(event[name]) if name in event else None
events = []
for event in calendar.walk("VEVENT"):
    assert not event.errors, event.errors
    start, end = event.decoded("DTSTART"), event.decoded("DTEND")
    assert isinstance(start, datetime.datetime) and start.tzinfo is not None, start
    events.append({
        "uid": text(event, "UID"), "sequence": int(event["SEQUENCE"]), "status": text(event, "STATUS"),
        "summary": text(event, "SUMMARY"), "location": text(event, "LOCATION"),
        "description": text(event, "DESCRIPTION"), "class": text(event, "CLASS"),
        "start": start.astimezone(datetime.timezone.utc).isoformat(),
        "local": start.astimezone(stockholm).strftime("%Y-%m-%dT%H:%M"),
        "minutes": int((end - start).total_seconds() // 60), "stamped": "DTSTAMP" in event,
    })
json.dump({
    "version": str(calendar["VERSION"]), "prodid": str(calendar["PRODID"]), "method": str(calendar["METHOD"]),
    "longest": max(len(line) for line in data.split(b"\r\n")), "events": events,
}, sys.stdout)
"#;

/// The calendar as that program reads it.
pub fn parse(calendar: &str) -> Value {
    let mut child = Command::new(python())
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = child.stdin.take().expect("its standard input");
    stdin.write_all(calendar.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "it cannot be read: {calendar}");
    serde_json::from_slice(&output.stdout).expect("what it read")
}
