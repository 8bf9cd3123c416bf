//! Too many requests of one caller: by the person, and never by the token they come with.

use chrono::TimeDelta;
use harness::TestApp;
use serde_json::json;

async fn status(app: &TestApp, token: Option<&str>) -> u16 {
    app.post(token, &json!({ "query": "{ me { id } }" })).await.status
}

/// New tokens of one person, and tokens that nobody issued, give no fresh room; others keep theirs.
#[tokio::test]
async fn neither_new_tokens_nor_invented_ones_give_fresh_room() {
    let app = TestApp::with(&[("http.rate_per_second", "1"), ("http.rate_burst", "2")]).await;
    let (p1, p2) = (&app.world.p1.identity, &app.world.p2.identity);
    let mut seen = Vec::new();
    // The room grows by one in a second: that is outrun within these.
    for _ in 0..50 {
        app.clock.advance(TimeDelta::seconds(1));
        seen.push(status(&app, Some(&app.token(p1))).await);
    }
    assert_eq!(seen[..2], [200; 2]);
    assert!(seen.contains(&429), "a new token each time");
    let mut seen = Vec::new();
    for n in 0..50 {
        let token = format!("{}{n}", app.token(p2));
        seen.push(status(&app, Some(&token)).await);
    }
    assert_eq!(seen[..2], [401; 2]);
    assert!(seen.contains(&429), "an invented token each time");
    assert_eq!(status(&app, Some(&app.token(p2))).await, 200, "the person's own room is untouched");
}
