#!/usr/bin/env bash
# Two whole stories against a running demo, one request a step. Needs curl, jq and GNU date.
#
#   cargo run -- demo          # in another terminal, with a data folder in which no story has been told
#   docs/story.sh              # or: docs/story.sh http://127.0.0.1:8080 data
#
# Zahra is to have an operation and asks for a patientkontrakt. Folke has COPD, heart failure and diabetes, three care
# providers, and is offered one. Each time the patient and care write it together, one proposes, the other answers with
# a proposal of their own, and it comes into force when both have said yes to the same text. The script stops, and says
# why, at the first answer that is not what the story tells.
set -euo pipefail
shopt -s inherit_errexit
base=${1:-http://127.0.0.1:8080} data=${2:-data}
service() { if [ -n "${PATIENTKONTRAKT:-}" ]; then "$PATIENTKONTRAKT" "$@"; else cargo run -q -- "$@"; fi; }
fail() { printf '\nBerättelsen stannar: %s\n' "$*" >&2; exit 1; }

# --- how to ask ------------------------------------------------------------------------------------------------------

# ask WHO DOCUMENT [VARIABLES]: the answer's data.
ask() {
  local answer
  answer=$(jq -nc --arg query "$2" --argjson variables "${3:-{\}}" '{$query, $variables}' |
    curl -sS "$base/graphql" -H "Authorization: Bearer $1" -H 'Content-Type: application/json' -H 'Accept-Language: sv' -d @-)
  jq -e '.data != null and (has("errors") | not)' >/dev/null <<<"$answer" || fail "$answer"
  jq -c .data <<<"$answer"
}
keys=0
# tried WHO ACT INPUT SELECTION: the payload of one mutation, with an idempotency key of its own.
tried() {
  keys=$((keys + 1))
  local input
  input=$(jq -c --arg key "story-$$-$RANDOM-$keys" '. + {idempotencyKey: $key}' <<<"$3")
  ask "$1" "mutation(\$input: ${2^}Input!) { $2(input: \$input) { $4 userErrors { code field message } } }" \
    "$(jq -nc --argjson input "$input" '{$input}')" | jq -c ".$2"
}
# did WHO ACT INPUT SELECTION: one that is done.
did() {
  local payload
  payload=$(tried "$@")
  expect "$payload" '.userErrors == []'
  echo "$payload"
}
# expect ANSWER FILTER: what the story says must be so.
expect() { jq -e "$2" >/dev/null <<<"$1" || fail "väntade $2, fick $1"; }
# input NAME VALUE ...: an object of texts; a name that ends in ":" takes JSON.
input() {
  local json='{}'
  while [ $# -gt 0 ]; do
    case $1 in
      *:) json=$(jq -c --argjson v "$2" '. + {"'"${1%:}"'": $v}' <<<"$json") ;;
      *) json=$(jq -c --arg v "$2" '. + {"'"$1"'": $v}' <<<"$json") ;;
    esac
    shift 2
  done
  echo "$json"
}
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# tell ANSWER JQ-TEXT: lines for people.
tell() { jq -r "$2 | \"   \" + ." <<<"$1"; }
# day N: the day that many days from the demo's present one, in Sweden.
today=$(curl -sS "$base/demo/clock" | jq -r .now) || fail "demon svarar inte på $base"
day() { TZ='CET-1CEST,M3.5.0,M10.5.0/3' date -d "${today:0:19}Z $1 days ${2:-}" +%F; }

# --- what both stories need ------------------------------------------------------------------------------------------

staff() { service token issue --staff "$1" --assignment "$1-A" --data-dir "$data"; }
patient() { service token issue --patient "$1" --data-dir "$data"; }
who_am_i() { ask "$1" '{ myAssignment { id staff { name title } careUnit { id name } } }' | jq -c .myAssignment; }
opened() { ask "$1" 'query($number: PersonalIdentityNumber!) { patient(number: $number, reason: "Patientkontrakt") { id givenName } }' \
  "$(input number "$2")" | jq -r .patient.id; }
now() { ask "$1" 'query($id: ID!) { node(id: $id) { ... on Agreement { status rowVersion currentVersion { id number }
  proposals { id number digest proposedBy } } } }' "$(input id "$agreement")" | jq -c .node; }
# edit WHO ACT INPUT SELECTION: an edit of the agreement as it is now.
edit() { did "$1" "$2" "$(jq -c --argjson v "$(now "$1" | jq .rowVersion)" '. + {expectedRowVersion: $v}' <<<"$3")" "$4"; }
write() { # write WHO SECTIONS
  edit "$1" agreementContentEdit "$(input agreementId "$agreement" sections: "$2")" 'agreement { rowVersion }' >/dev/null
}
text() { input text: "$(input section "$1" text "$2")"; }
item() { # item WHO TITLE CATEGORY OWNER TIMING [UNIT]: its id
  did "$1" planItemPropose "$(input agreementId "$agreement" title "$2" category "$3" owner "$4" timing: "$5" ${6:+responsibleUnitId "$6"})" \
    'planItem { id title status }' | jq -r .planItem.id
}
propose() { edit "$1" agreementPropose "$(input agreementId "$agreement")" 'agreement { status }' >/dev/null; }
counter() {
  edit "$1" agreementCounter "$(input agreementId "$agreement" versionId "$(now "$1" | jq -r '.proposals[0].id')")" \
    'agreement { draft { number answersNumber } }' | jq -c .agreement.draft
}
assent() {
  local proposal
  proposal=$(now "$1" | jq -c '.proposals[0]')
  did "$1" agreementAssent "$(input agreementId "$agreement" versionId "$(jq -r .id <<<"$proposal")" digest "$(jq -r .digest <<<"$proposal")")" \
    'agreement { status currentVersion { number patientAssent { at } careAssent { at } } }'
}
# What differs between the first version and the one in force, and who did what: in words.
look_back() {
  local versions from to difference history
  versions=$(ask "$1" 'query($id: ID!) { node(id: $id) { ... on Agreement { versions(first: 20) { nodes { id number status } } } } }' \
    "$(input id "$agreement")" | jq -c .node.versions.nodes)
  from=$(jq -r 'min_by(.number).id' <<<"$versions")
  to=$(jq -r '.[] | select(.status == "ACTIVE").id' <<<"$versions")
  step "Vad skiljer vårdens första förslag från det som gäller?"
  difference=$(ask "$1" 'query($id: ID!, $from: ID!, $to: ID!) { node(id: $id) { ... on Agreement { difference(from: $from, to: $to) { sentence } } } }' \
    "$(input id "$agreement" from "$from" to "$to")" | jq -c .node.difference)
  expect "$difference" 'length > 0'
  tell "$difference" '.[].sentence'
  step 'Vem ändrade vad, och när? Historiken säger det, det senaste först.'
  history=$(ask "$1" 'query($id: ID!) { node(id: $id) { ... on Agreement { history(first: 100) { nodes { at byName what } } } } }' \
    "$(input id "$agreement")" | jq -c .node.history.nodes)
  expect "$history" 'length > 3 and all(.byName != "" and .what != "")'
  # What happened to many goals and items at once is said once.
  tell "$history" '[foreach .[] as $e ({}; {$e, new: ([$e.byName, $e.what] != [.e.byName, .e.what])}; select(.new).e)][0:12][] | "\(.at[0:16] | sub("T"; " "))  \(.byName): \(.what)"'
}
# What the waiting proposal changes in the one it answers, in words.
reads_answer() {
  local found difference
  found=$(ask "$1" 'query($id: ID!) { node(id: $id) { ... on Agreement { versions(first: 20) { nodes { id number answersNumber status } } } } }' \
    "$(input id "$agreement")" | jq -c '.node.versions.nodes | (map(select(.status == "PROPOSED"))[0]) as $new
      | {to: $new.id, from: (map(select(.number == $new.answersNumber))[0].id)}')
  difference=$(ask "$1" 'query($id: ID!, $from: ID!, $to: ID!) { node(id: $id) { ... on Agreement { difference(from: $from, to: $to) { sentence } } } }' \
    "$(jq -c --arg id "$agreement" '. + {$id}' <<<"$found")" | jq -c .node.difference)
  expect "$difference" 'length > 0'
  tell "$difference" '.[].sentence'
}
plan() { # plan WHO: the patient's app
  local me
  me=$(ask "$1" '{ me { givenName agreement { status currentVersion { title number } goals { text } planItems { title owner dueOn recurrence trigger status } }
    parts { part complete missing { message } } nextSteps { patient { title on } care { title on } }
    fixedCareContact { name phone } whoToContact { name phone } } }' | jq -c .me)
  expect "$me" '.agreement.status == "ACTIVE"'
  tell "$me" '"\(.agreement.currentVersion.title), version \(.agreement.currentVersion.number), gäller"'
  tell "$me" '.agreement.goals[] | "Mål: \(.text)"'
  tell "$me" '.agreement.planItems[] | "\({PATIENT: "Jag", CARE: "Vården", RELATIVE: "Närstående"}[.owner]): \(.title) (\(.trigger // (if .recurrence then "återkommer" else null end) // .dueOn))"'
  tell "$me" '.nextSteps | "Mitt nästa steg: \(.patient.title // "inget")", "Vårdens nästa steg: \(.care.title // "inget")"'
  tell "$me" '"Jag ringer: \(.fixedCareContact.name), \(.fixedCareContact.phone). Just nu: \(.whoToContact.name), \(.whoToContact.phone)"'
  tell "$me" '.parts[] | "\({AGREEMENT: "Överenskommelsen", FIXED_CONTACT: "Fast vårdkontakt", AGREED_TIME: "Överenskommen tid", COHERENT_PLAN: "Sammanhållen planering"}[.part]): \(if .complete then "klar" else "saknas: " + ([.missing[].message] | join(" ")) end)"'
}
done_with() { # done_with WHO PATIENT-TOKEN ITEM: it is done, and both sides see it
  local version answer
  version=$(ask "$1" 'query($id: ID!) { node(id: $id) { ... on PlanItem { rowVersion } } }' "$(input id "$3")" | jq .node.rowVersion)
  did "$1" planItemComplete "$(input planItemId "$3" expectedRowVersion: "$version")" 'planItem { status }' >/dev/null
  answer=$(ask "$2" 'query($id: ID!) { node(id: $id) { ... on PlanItem { title status followThrough } } }' "$(input id "$3")" | jq -c .node)
  expect "$answer" '.status == "DONE" and .followThrough == "DONE"'
  tell "$answer" '"Gjort: \(.title)"'
}
letters() { # letters PATIENT UNIT SUBJECT BODY STAFF ANSWER: a question, and its answer
  local thread read
  thread=$(did "$1" threadStart "$(input careUnitId "$2" subject "$3" body "$4")" 'thread { id answerBy messageHours }')
  tell "$thread" '"Svar senast \(.thread.answerBy[0:10]). \(.thread.messageHours)"'
  did "$5" messageSend "$(input threadId "$(jq -r .thread.id <<<"$thread")" body "$6")" 'message { id }' >/dev/null
  read=$(ask "$1" 'query($id: ID!) { node(id: $id) { ... on Thread { unreadCount messages(first: 5) { nodes { authorName body } } } } }' \
    "$(input id "$(jq -r .thread.id <<<"$thread")")" | jq -c .node)
  expect "$read" '.unreadCount == 1 and (.messages.nodes | length) == 2'
  tell "$read" '.messages.nodes | reverse[] | "\(.authorName): \(.body)"'
}

maria=$(staff SE9999990001-1001) johan=$(staff SE9999990001-1002) amina=$(staff SE9999990001-2001)
eva=$(staff SE9999990002-3001) samir=$(staff SE9999990003-4001)
desk=$(who_am_i "$maria") unit=$(jq -r .careUnit.id <<<"$desk")

# --- Zahra -----------------------------------------------------------------------------------------------------------

printf '\n\033[1mZAHRA SKA OPERERAS\033[0m\n'
number=197906012385 zahra=$(patient $number)
tell "$desk" '"\(.staff.name), \(.staff.title | ascii_downcase), arbetar på \(.careUnit.name)."'

step 'Zahra ber om ett patientkontrakt, med egna ord.'
request=$(did "$zahra" agreementRequest "$(input why 'Jag ska opereras och vill veta vad som händer, och vem jag ringer.')" 'request { status dueAt why }')
tell "$request" '.request | "”\(.why)” Vården ska ha föreslagit ett senast \(.dueAt[0:10])."'

step 'Önskan är en uppgift för enheten. Den kan inte stängas i tysthet.'
task=$(ask "$maria" 'query($unit: ID!) { careUnit(id: $unit) { tasks(first: 50, filter: {kinds: [AGREEMENT_REQUEST]}) { nodes { dueAt patient { givenName } canEnd { allowed reason } } } } }' \
  "$(input unit "$unit")" | jq -c '[.careUnit.tasks.nodes[] | select(.patient.givenName == "Zahra")][0]')
expect "$task" '.canEnd.allowed == false'
tell "$task" '"Kan uppgiften avslutas? Nej. \(.canEnd.reason)"'

step 'Maria börjar ett utkast med mallen för operation. Tiderna räknas från operationsdagen.'
zahra_id=$(opened "$maria" $number)
agreement=$(did "$maria" agreementCreate "$(input patientId "$zahra_id" title 'Min plan inför och efter operationen')" 'agreement { id }' | jq -r .agreement.id)
applied=$(edit "$maria" agreementApplyTemplate "$(input agreementId "$agreement" template surgery anchorDate "$(day 28)")" \
  'applied { anchorOn planItemIds open { planItemId message } }' | jq -c .applied)
expect "$applied" '(.planItemIds | length) == 16'
tell "$applied" '"\(.planItemIds | length) insatser, räknade från \(.anchorOn). Kvar att fylla i: \(.open[].message)"'

step 'Zahra skriver sin berättelse, vad som är viktigt och ett mål. Båda skriver i samma utkast.'
write "$zahra" "[$(text STORY 'Jag har haft ont i höften i tre år. Jag bor ensam och är rädd för att ramla efter operationen.'),
  $(text WHAT_MATTERS 'Att kunna gå till odlingslotten igen i vår.'),
  {\"ownMeasurements\": [{\"what\": \"Smärta\", \"unit\": \"0–10\", \"upper\": \"6\", \"howOften\": \"Varje kväll\"}]}]"
did "$zahra" goalAdd "$(input agreementId "$agreement" text 'Jag vill gå till odlingslotten utan käpp' priority: 1)" 'goal { id }' >/dev/null

step 'Maria vill föreslå planen, men något fattas. Tjänsten säger allt, på en gång.'
gaps=$(tried "$maria" agreementPropose "$(input agreementId "$agreement" expectedRowVersion: "$(now "$maria" | jq .rowVersion)")" 'agreement { status }')
expect "$gaps" '(.userErrors | length) == 3 and all(.userErrors[]; .code == "INCOMPLETE")'
tell "$gaps" '.userErrors[].message'

step 'De fyller i vem som läser mätningen. Maria blir Zahras fasta vårdkontakt, och föreslår. Det är vårdens ja.'
write "$maria" '[{"ownMeasurements": [{"what": "Smärta", "unit": "0–10", "upper": "6", "howOften": "Varje kväll",
  "readBy": "Maria på vårdcentralen", "readWhen": "Vardagar före klockan 10", "outside": "Ring Maria. Helger: ring 1177."}]}]'
contact=$(did "$maria" contactAppoint "$(input patientId "$zahra_id" role FAST_VARDKONTAKT onRequest: true \
  person: "$(input assignmentId "$(jq -r .id <<<"$desk")")" howToReach 'Ring vardagar 8–10, eller skriv ett meddelande.')" 'contact { name function phone howToReach }')
tell "$contact" '.contact | "\(.name), \(.function), \(.phone). \(.howToReach)"'
propose "$maria"
expect "$(now "$zahra")" '.status == "PROPOSED" and .proposals[0].proposedBy == "CARE"'

step 'Zahra svarar med ett motförslag: hon vill bli uppringd dagen efter hemgången.'
tell "$(counter "$zahra")" '"Version \(.number) svarar på version \(.answersNumber)."'
item "$zahra" 'Samtal dagen efter att jag kommit hem' FOLLOW_UP CARE \
  "$(input trigger: "$(input text 'Dagen efter hemgången' latestFollowUpOn "$(day 35)")")" "$unit" >/dev/null
propose "$zahra"

step 'Maria läser vad som skiljer, och säger ja till samma text. Nu gäller planen.'
reads_answer "$maria"
assented=$(assent "$maria")
expect "$assented" '.agreement.status == "ACTIVE" and .agreement.currentVersion.patientAssent != null'
expect "$(now "$zahra")" '.proposals == [] and .currentVersion.number == 2'

step 'Zahras app: vad har vi kommit överens om, vad är nästa steg, och vem ringer jag?'
plan "$zahra"

step 'Nästa steg är gjort: Maria har ringt medan Zahra väntar.'
call=$(ask "$maria" 'query($id: ID!) { node(id: $id) { ... on Agreement { planItems { id title } } } }' "$(input id "$agreement")" |
  jq -r '.node.planItems[] | select(.title == "Vi ringer medan du väntar").id')
done_with "$maria" "$zahra" "$call"

step 'Inför hemgången: vad saknas?'
discharge=$(did "$maria" dischargeCheckRun "$(input agreementId "$agreement")" 'agreement { dischargeCheck { isComplete gaps { message } } }' | jq -c .agreement.dischargeCheck)
expect "$discharge" '.isComplete == false and (.gaps | length) > 0'
tell "$discharge" '.gaps[].message'

step 'Zahra skriver till mottagningen, och Maria svarar.'
letters "$zahra" "$unit" 'Inför operationen' 'Får jag äta frukost samma morgon?' "$maria" 'Hej Zahra! Nej, ät inget efter midnatt. Hälsningar Maria'
look_back "$zahra"

# --- Folke -----------------------------------------------------------------------------------------------------------

printf '\n\n\033[1mFOLKE HAR KOL, HJÄRTSVIKT OCH DIABETES\033[0m\n'
number=194908012398 folke=$(patient $number) folke_id=$(opened "$maria" $number)

step 'Maria erbjuder Folke ett patientkontrakt vid ett besök. Han tackar ja i sin app.'
offer=$(did "$maria" agreementOffer "$(input patientId "$folke_id" how ON_SITE)" 'offer { id rowVersion }' | jq -c .offer)
answered=$(did "$folke" agreementOfferAnswer "$(input offerId "$(jq -r .id <<<"$offer")" accepted: true expectedRowVersion: "$(jq .rowVersion <<<"$offer")" words 'Ja, det är rörigt nu')" \
  'offer { status answeredBy }')
expect "$answered" '.offer.status == "ACCEPTED" and .offer.answeredBy == "PATIENT"'

step 'Tre vårdgivare, fem kontakter: var och en vet vem de andra är.'
appoint() { # appoint WHO ROLE [KIND]
  did "$1" contactAppoint "$(input patientId "$folke_id" role "$2" person: "$(input assignmentId "$(who_am_i "$1" | jq -r .id)")" ${3:+treatingKind "$3"})" 'contact { id }' >/dev/null
}
appoint "$maria" FAST_VARDKONTAKT
appoint "$johan" FAST_LAKARKONTAKT
for other in "$amina BEHANDLANDE_ROLL HEART_FAILURE_NURSE" "$eva FAST_OMSORGSKONTAKT" "$samir BEHANDLANDE_ROLL PHYSIOTHERAPIST"; do
  read -r who role kind <<<"$other"
  did "$who" careRelationRegister "$(input patientNumber $number declaration PATIENT_PRESENT reason 'Första besöket')" 'patient { id }' >/dev/null
  appoint "$who" "$role" "${kind:-}"
done
contacts=$(ask "$folke" '{ me { contacts { role name function careUnit { name } } } }' | jq -c .me.contacts)
expect "$contacts" 'length == 5'
tell "$contacts" '.[] | "\(.name), \(.function | ascii_downcase), \(.careUnit.name)"'

step 'De skriver planen tillsammans: Folke sin berättelse, Maria varningstecken för alla tre sjukdomarna, Amina hjärtats insatser.'
agreement=$(did "$maria" agreementCreate "$(input patientId "$folke_id" title 'Mitt patientkontrakt')" 'agreement { id }' | jq -r .agreement.id)
did "$maria" planLinkAdd "$(input agreementId "$agreement" kind SIP title 'Folkes SIP' holder 'Exempelby kommun')" 'link { id }' >/dev/null
write "$folke" "[$(text STORY 'Jag var snickare. Nu orkar jag inte till garaget, och alla säger olika saker om hur mycket jag ska dricka.'),
  $(text WHAT_MATTERS 'Att orka till garaget och bygga ett fågelbord med barnbarnet.'),
  $(text AMBITION 'Hellre en bra dag hemma än en undersökning till.')]"
did "$folke" goalAdd "$(input agreementId "$agreement" text 'Bygga klart fågelbordet' priority: 1 targetOn "$(day 90)")" 'goal { id }' >/dev/null
write "$maria" '[{"warningSigns": [
    {"light": "GREEN", "sign": "Andas som vanligt, vikten och sockret ligger där de ska", "action": "Följ planen."},
    {"light": "YELLOW", "sign": "Två kilo upp på tre dagar, mer slem, eller socker över 15 två morgnar i rad", "action": "Ring samma dag.",
     "phone": "+46846500410", "weekdays": "Ring Maria 8–16.30.", "weekends": "Ring 1177."},
    {"light": "RED", "sign": "Svårt att andas i vila, bröstsmärta eller förvirring", "action": "Ring 112 genast.", "phone": "112"}]},
  {"ownMeasurements": [{"what": "Vikt", "unit": "kg", "lower": "80", "upper": "84.5", "howOften": "Varje morgon",
    "readBy": "Amina på hjärtmottagningen", "readWhen": "Vardagar före klockan 10", "outside": "Ring Amina. Helger: ring 1177."}]},
  {"asNeededMedication": [{"name": "Furosemid", "dose": "1 tablett extra", "when": "Två kilo upp på tre dagar", "atMost": "I två dagar",
    "source": "Läkemedelslistan, Nationella läkemedelslistan", "sourceOn": "'"$(day 3 ago)"'"}]}]'
weigh=$(item "$folke" 'Väga mig varje morgon' SELF_CARE PATIENT "$(input recurrence: "$(input rule 'FREQ=DAILY;COUNT=90' from "$(day 0)")")")
heart=$(who_am_i "$amina" | jq -r .careUnit.id)
item "$amina" 'Kontroll på hjärtmottagningen' FOLLOW_UP CARE "$(input date "$(day 14)")" "$heart" >/dev/null
bloods=$(item "$maria" 'Långtidssocker och njurprov' EXAMINATION CARE "$(input date "$(day 3)")" "$unit")

step 'Maria föreslår. Folke svarar med ett motförslag: promenad med en granne i stället för i grupp, och samma råd om vätska från alla.'
propose "$maria"
tell "$(counter "$folke")" '"Version \(.number) svarar på version \(.answersNumber)."'
item "$folke" 'Gå till garaget och tillbaka med grannen' SELF_CARE PATIENT "$(input recurrence: "$(input rule 'FREQ=WEEKLY;BYDAY=TU,SA' from "$(day 1)")")" >/dev/null
write "$folke" "[$(text WISHES 'Att alla säger samma sak om hur mycket jag ska dricka.')]"
propose "$folke"

step 'Maria läser vad som skiljer, och säger ja. Nu gäller planen. Folke ser den hel; de andra vårdgivarna frågar honom.'
reads_answer "$maria"
expect "$(assent "$maria")" '.agreement.status == "ACTIVE" and .agreement.currentVersion.number == 2'
plan "$folke"

step 'Nästa steg: Folke bockar av dagens vägning, och Maria tar proverna.'
version=$(ask "$folke" 'query($id: ID!) { node(id: $id) { ... on PlanItem { rowVersion } } }' "$(input id "$weigh")" | jq .node.rowVersion)
marked=$(did "$folke" planItemOccurrenceMark "$(input planItemId "$weigh" on "$(day 0)" outcome DONE expectedRowVersion: "$version")" 'planItem { title occurrences { on followThrough } }')
expect "$marked" '.planItem.occurrences[0].followThrough == "DONE"'
done_with "$maria" "$folke" "$bloods"

step 'Råden går inte ihop, säger Folke. Det blir en uppgift för vården, och ett svar.'
concern=$(did "$folke" planItemConcernRaise "$(input planItemId "$weigh" kind ADVICE_CONFLICTS words 'Rehab säger drick mycket, hjärtat säger lite')" 'concern { id rowVersion }' | jq -c .concern)
answered=$(did "$maria" planItemConcernAnswer "$(input concernId "$(jq -r .id <<<"$concern")" expectedRowVersion: "$(jq .rowVersion <<<"$concern")" answer 'Vi har pratat ihop oss: en och en halv liter om dagen.')" 'concern { status answer }')
expect "$answered" '.concern.status == "ANSWERED"'
tell "$answered" '"Vården svarar: \(.concern.answer)"'

step 'Folke skriver, och Maria svarar.'
letters "$folke" "$unit" 'Vågen' 'Ska jag väga mig före eller efter frukost?' "$maria" 'Före frukost, med samma våg. Hälsningar Maria'
look_back "$folke"

printf '\nBåda berättelserna är berättade.\n'
