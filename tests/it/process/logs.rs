//! What the service writes for its operator names no person, at any level.

use harness::{
    process::{self, PATIENCE, Stage},
    relate,
    smtp::{SmtpOptions, SmtpServer},
};
use patientkontrakt::graphql::scalars::NodeKind;
use serde_json::{Value, json};

use super::{act, publish, thread, yes_to_mail};
use crate::acts::global;

#[tokio::test]
async fn the_log_of_a_whole_day_holds_nothing_of_anybody_and_every_line_is_json() {
    let stage = Stage::new().await;
    let mail = SmtpServer::start(SmtpOptions::faults(["reply:rcpt:550:1"])).await;
    let port = mail.port.to_string();
    let settings = [
        ("PK_LOG__LEVEL", "trace"),
        ("PK_SMTP__HOST", "localhost"),
        ("PK_SMTP__PORT", port.as_str()),
        ("PK_SMTP__TLS", "none"),
        ("PK_SMTP__FROM", "paminnelse@exempel.se"),
        ("PK_REMINDERS__POLL_INTERVAL_SECONDS", "0.1"),
    ];
    let mut serve = stage.serve(&settings).await;
    let (p1, p2, s1) = (&stage.world.p1, &stage.world.p2, &stage.world.s1);

    // A patient's day.
    yes_to_mail(&stage, &serve, &stage.world.p1.identity).await;
    let thread = thread(&stage, &serve).await;
    let slots = publish(&stage, &serve, 2).await;
    let input = json!({ "slotId": slots[0] });
    act(&stage, &serve, &p1.identity, "appointmentBook", "appointment { id }", input.clone()).await.ok();
    act(&stage, &serve, &p2.identity, "appointmentBook", "appointment { id }", input).await;

    // A staff member's.
    relate(&stage.core, s1, p1).await;
    let s1_token = stage.token(&s1.identity);
    let patient = "query($n: PersonalIdentityNumber!, $why: String!) { patient(number: $n, reason: $why) { givenName } }";
    for number in [p1.number.as_str(), p2.number.as_str(), "19820228-9999"] {
        serve.run(&s1_token, patient, json!({ "n": number, "why": "skalkaninchen ringde" })).await.unwrap();
    }
    let input = json!({ "patientId": p1.global_id(), "title": "Plan om ögonfransar", "story": p1.canary });
    let plan = act(&stage, &serve, &s1.identity, "agreementCreate", "agreement { id }", input).await.ok();
    let plan = plan.text("/agreementCreate/agreement/id");
    let input = json!({ "agreementId": plan, "text": "Gå till brevduvan" });
    act(&stage, &serve, &s1.identity, "goalAdd", "goal { id }", input).await.ok();
    // A patient reads what was agreed on, and all else that says what it is about.
    let me = "{ me { givenName familyName agreement { currentVersion { title } goals { text } } \
              nextSteps { patient { title } } threads { nodes { subject } } } }";
    let read = serve.run(&stage.token(&p1.identity), me, json!({})).await.unwrap().ok();
    assert!(read.at("/me").to_string().contains("brevduvan"), "{read:?}");
    let input = json!({ "threadId": thread, "body": "Svar om blåbärspaj" });
    act(&stage, &serve, &s1.identity, "messageSend", "message { id }", input).await.ok();

    // Mistakes, which logs are fondest of.
    for body in [
        format!("{{ me {{ {} }} }}", "kanariefel"),
        format!("{{ me {{ givenName }} # {}", p1.number),
        format!(
            "mutation {{ messageSend(input: {{ body: \"blåbärspaj {}\" }}) {{ userErrors {{ code }} }} }}",
            p1.number
        ),
    ] {
        serve.run(&s1_token, &body, json!({ "n": p1.number })).await.unwrap();
    }
    serve
        .run(&s1_token, patient, json!({ "n": 198_202_282_380_u64, "why": ["skalkaninchen"] }))
        .await
        .unwrap();
    serve.run("trasig-token-kanariefel", me, json!({})).await.unwrap();
    serve.get(&format!("/patient/{}?name=Kanariesson", p1.number)).await;
    let raw = serve.request(Some(&s1_token)).header("content-type", "application/json");
    process::answer(raw.body(format!("{{\"query\": \"{}", p1.number))).await.unwrap();
    let foreign =
        json!({ "threadId": global(NodeKind::Thread, uuid::Uuid::from_u128(1)), "body": "blåbärspaj" });
    act(&stage, &serve, &p2.identity, "messageSend", "message { id }", foreign).await;

    let begun = tokio::time::Instant::now();
    while mail.count("connected") == 0 {
        assert!(begun.elapsed() < PATIENCE, "a mail is tried");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    serve.terminate().await;
    assert!(serve.ended(PATIENCE).await.success());

    let log = serve.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    assert!(lines.iter().any(|line| line["message"] == "request" && line["path"] == "/graphql"), "{log}");
    let lower = log.to_lowercase();
    let number = p1.number.as_str();
    let signature = s1_token.rsplit('.').next().unwrap().to_lowercase();
    for word in [
        number,
        &number[2..],
        &format!("{}-{}", &number[2..8], &number[8..]),
        &p2.number,
        "19820228",
        "198202282380",
        "kanarie",
        "papegoj",
        "etta",
        "stina exempel",
        "070-174",
        "701740605",
        "exempel.se",
        "blåbär",
        "ögonfrans",
        "brevduva",
        "skalkanin",
        "hej ",
        "eyj",
        "bearer",
        &signature,
    ] {
        assert!(!lower.contains(word), "{word} in {log}");
    }
}
