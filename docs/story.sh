#!/usr/bin/env bash
# A whole story against a running demo: Zahra, who is to have an operation, asks for a patientkontrakt; she and her
# district nurse write it together; it comes into force when both have said yes to the same text. Needs curl and jq.
#
#   cargo run -- demo          # in another terminal, with an empty data folder
#   docs/story.sh              # or: docs/story.sh http://127.0.0.1:8080 data
#
# It stops at the first answer that is not the expected one. Read it from the top: each step is one request.
set -euo pipefail
shopt -s inherit_errexit
base=${1:-http://127.0.0.1:8080} data=${2:-data}
service() { if [ -n "${PATIENTKONTRAKT:-}" ]; then "$PATIENTKONTRAKT" "$@"; else cargo run -q -- "$@"; fi; }

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# ask WHO DOCUMENT [VARIABLES]: the answer's data; a mutation's $input gets a key of its own.
ask() {
  local answer
  answer=$(jq -nc --arg query "$2" --argjson variables "${3:-{\}}" '{$query, $variables}' |
    curl -sS "$base/graphql" -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
      -H 'Accept-Language: sv' -d @-)
  if jq -e '.errors' <<<"$answer" >/dev/null; then jq . <<<"$answer" >&2; exit 1; fi
  jq -c .data <<<"$answer"
}
keys=0
# act WHO FIELD INPUT SELECTION: one mutation; shows and gives its payload.
act() {
  keys=$((keys + 1))
  local type="${2^}Input" input answer
  input=$(jq -c --arg key "story-$$-$RANDOM-$keys" '. + {idempotencyKey: $key}' <<<"$3")
  answer=$(ask "$1" "mutation(\$input: $type!) { $2(input: \$input) { $4 userErrors { code field message } } }" \
    "$(jq -nc --argjson input "$input" '{$input}')" | jq -c ".$2")
  jq . <<<"$answer" >&2
  echo "$answer"
}
# done WHO FIELD INPUT SELECTION: one that must succeed.
did() {
  local answer
  answer=$(act "$@")
  jq -e '.userErrors == []' <<<"$answer" >/dev/null || { echo "refused: $2" >&2; exit 1; }
  echo "$answer"
}
expect() { # expect ANSWER FILTER: the filter must hold
  jq -e "$2" <<<"$1" >/dev/null || { echo "expected $2 of $1" >&2; exit 1; }
}
agreement_now() { ask "$1" 'query($id: ID!) { node(id: $id) { ... on Agreement { id status rowVersion
  currentVersion { id number status digest } proposals { id number status digest proposedBy } draft { id number } } } }' \
  "{\"id\": \"$agreement\"}" | jq -c .node; }
row_version() { agreement_now "$maria" | jq .rowVersion; }
day() { date -u -d "+$1 days" +%F; }

step 'Maria, distriktssköterska, loggar in. På enhetens lista står de som inte har något patientkontrakt.'
maria=$(service token issue --staff --data-dir "$data")
unit=$(ask "$maria" '{ myAssignment { id staff { name title } careUnit { id name } } }' | tee /dev/stderr | jq -r .myAssignment.careUnit.id)
me=$(ask "$maria" '{ myAssignment { id } }' | jq -r .myAssignment.id)
candidates=$(ask "$maria" 'query($unit: ID!) { careUnit(id: $unit) { candidates(first: 50) { nodes { patient { id givenName familyName } } } } }' \
  "{\"unit\": \"$unit\"}")
zahra_id=$(jq -r '[.careUnit.candidates.nodes[].patient | select(.givenName == "Zahra")][0].id' <<<"$candidates")
number=$(ask "$maria" 'query($id: ID!) { node(id: $id) { ... on Patient { personalIdentityNumber } } }' \
  "{\"id\": \"$zahra_id\"}" | jq -r .node.personalIdentityNumber)
zahra=$(service token issue --patient "$number" --data-dir "$data")

step 'Zahra ber om ett patientkontrakt, med egna ord.'
did "$zahra" agreementRequest "$(jq -nc '{why: "Jag ska opereras och vill veta vad som händer, och vem jag ringer."}')" \
  'request { status dueAt why }' >/dev/null

step 'Önskan är en uppgift för enheten, med en dag då den senast ska vara besvarad. Den kan inte stängas i tysthet.'
tasks=$(ask "$maria" 'query($unit: ID!) { careUnit(id: $unit) { tasks(first: 50) { nodes { id kind dueAt rowVersion canEnd { allowed reason } patient { givenName } } } } }' \
  "{\"unit\": \"$unit\"}")
request=$(jq -c '[.careUnit.tasks.nodes[] | select(.kind == "AGREEMENT_REQUEST" and .patient.givenName == "Zahra")][0]' <<<"$tasks")
jq . <<<"$request"
expect "$request" '.canEnd.allowed == false'

step 'Maria börjar ett utkast. Då är önskan besvarad.'
created=$(did "$maria" agreementCreate "$(jq -nc --arg p "$zahra_id" '{patientId: $p, title: "Min plan inför och efter operationen"}')" 'agreement { id status rowVersion }')
agreement=$(jq -r .agreement.id <<<"$created")

step 'Zahra skriver sin berättelse och vad som är viktigt. Båda skriver i samma utkast.'
did "$zahra" agreementContentEdit "$(jq -nc --arg a "$agreement" --argjson v "$(row_version)" '{agreementId: $a, expectedRowVersion: $v, sections: [
  {text: {section: "STORY", text: "Jag har haft ont i höften i tre år. Jag bor ensam och är rädd för att ramla efter operationen."}},
  {text: {section: "WHAT_MATTERS", text: "Att kunna gå till odlingslotten igen i vår."}}]}')" \
  'agreement { currentVersion { story whatMatters } }' >/dev/null
did "$zahra" goalAdd "$(jq -nc --arg a "$agreement" '{agreementId: $a, text: "Jag vill gå till odlingslotten utan käpp", priority: 1}')" 'goal { id text setBy }' >/dev/null

step 'Maria lägger till det som vården gör, men utan tid på allt. Då säger tjänsten allt som saknas, på en gång.'
did "$maria" planItemPropose "$(jq -nc --arg a "$agreement" --arg u "$unit" --arg d "$(day 9)" '{agreementId: $a, title: "Blodprover inför operationen",
  category: "EXAMINATION", owner: "CARE", responsibleUnitId: $u, timing: {date: $d}, resultHow: "Meddelande inom fem dagar", resultBy: $d}')" 'planItem { id title dueOn status }' >/dev/null
item=$(did "$maria" planItemPropose "$(jq -nc --arg a "$agreement" --arg u "$unit" '{agreementId: $a, title: "Ta bort stygnen",
  category: "FOLLOW_UP", owner: "CARE", responsibleUnitId: $u}')" 'planItem { id title rowVersion }')
did "$zahra" planItemPropose "$(jq -nc --arg a "$agreement" --arg d "$(day 1)" '{agreementId: $a, title: "Träna benen enligt programmet",
  category: "SELF_CARE", owner: "PATIENT", timing: {recurrence: {rule: "FREQ=DAILY;COUNT=60", from: $d}}}')" 'planItem { id title recurrence }' >/dev/null
gaps=$(act "$maria" agreementPropose "$(jq -nc --arg a "$agreement" --argjson v "$(row_version)" '{agreementId: $a, expectedRowVersion: $v}')" 'agreement { status }')
expect "$gaps" '[.userErrors[].code] | length > 0 and all(. == "INCOMPLETE")'

step 'Maria blir Zahras fasta vårdkontakt, och stygnen får en tid: två veckor efter operationen.'
did "$maria" contactAppoint "$(jq -nc --arg p "$zahra_id" --arg me "$me" '{patientId: $p, role: "FAST_VARDKONTAKT", person: {assignmentId: $me}, onRequest: true,
  howToReach: "Ring vardagar 8–10, eller skriv ett meddelande."}')" 'contact { name role isLead phone howToReach }' >/dev/null
did "$maria" planItemRevise "$(jq -nc --arg i "$(jq -r .planItem.id <<<"$item")" --argjson v "$(row_version)" --arg u "$unit" --arg d "$(day 60)" '{planItemId: $i, expectedRowVersion: $v, title: "Ta bort stygnen",
  category: "FOLLOW_UP", owner: "CARE", responsibleUnitId: $u, timing: {trigger: {text: "Två veckor efter operationen", latestFollowUpOn: $d}}}')" 'agreement { planItems { title trigger dueOn } }' >/dev/null

step 'Maria föreslår planen. Att föreslå är vårdens ja till exakt den texten.'
did "$maria" agreementPropose "$(jq -nc --arg a "$agreement" --argjson v "$(row_version)" '{agreementId: $a, expectedRowVersion: $v}')" 'agreement { status }' >/dev/null
proposed=$(agreement_now "$zahra" | jq -c '.proposals[0]')

step 'Zahra svarar med ett motförslag: hon vill ha ett telefonsamtal dagen efter hemgången.'
did "$zahra" agreementCounter "$(jq -nc --arg a "$agreement" --arg v "$(jq -r .id <<<"$proposed")" --argjson r "$(row_version)" '{agreementId: $a, versionId: $v, expectedRowVersion: $r}')" 'agreement { draft { number answersNumber } }' >/dev/null
did "$zahra" planItemPropose "$(jq -nc --arg a "$agreement" --arg u "$unit" --arg d "$(day 40)" '{agreementId: $a, title: "Samtal dagen efter att jag kommit hem",
  category: "FOLLOW_UP", owner: "CARE", responsibleUnitId: $u, timing: {trigger: {text: "Dagen efter hemgången", latestFollowUpOn: $d}}}')" 'planItem { title }' >/dev/null
did "$zahra" agreementPropose "$(jq -nc --arg a "$agreement" --argjson v "$(row_version)" '{agreementId: $a, expectedRowVersion: $v}')" 'agreement { status proposals { number proposedBy answersNumber } }' >/dev/null

step 'Maria läser vad som skiljer, och säger ja till samma text. Nu gäller planen.'
proposed=$(agreement_now "$maria" | jq -c '.proposals[0]')
did "$maria" agreementAssent "$(jq -nc --arg a "$agreement" --arg v "$(jq -r .id <<<"$proposed")" --arg d "$(jq -r .digest <<<"$proposed")" '{agreementId: $a, versionId: $v, digest: $d}')" \
  'agreement { status currentVersion { number careAssent { at by } patientAssent { at by } } }' >/dev/null
expect "$(agreement_now "$zahra")" '.status == "ACTIVE" and .proposals == []'

step 'Zahras app: vad har vi kommit överens om, vad är nästa steg, och vem ringer jag?'
ask "$zahra" '{ me { agreement { status currentVersion { title story } goals { text } planItems { title owner dueOn } }
  parts { part complete } nextSteps { patient { title on } care { title on } } fixedCareContact { name phone } whoToContact { name phone } } }' | jq .

step 'Vem ändrade vad, och när? Historiken säger det, i klartext.'
ask "$zahra" 'query($id: ID!) { node(id: $id) { ... on Agreement { history(first: 5) { nodes { at byName what } } } } }' "{\"id\": \"$agreement\"}" | jq .
