#!/usr/bin/env bash
# The rules of ws.mjs against a demo that listens at ADDRESS with its data in DATA_DIR. Fails when one fails or is left
# out. None is waived. W04, W26 and W27 want a subscription that ends by itself; those of the service go on until the
# client ends them or the caller's right does. So these three are tried with a query, which the protocol answers with the
# same messages (next, complete); with a subscription that ends they are tried over the toy schema, beside all the others.
set -euo pipefail
address=$1 work=$2
cd "$(dirname "${BASH_SOURCE[0]}")"
issue() { ../../target/debug/patientkontrakt token issue --data-dir "$work" "$@"; }
ask() {
  curl -fsS "http://$address/graphql" -H "Authorization: Bearer $1" -H 'Content-Type: application/json' --data "$2"
}

# Care promises to call, over and over: the endless subscription has something to tell.
patient=$(issue --patient) staff=$(issue --staff)
id=$(ask "$patient" '{"query":"{ me { id } }"}' | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
[ -n "$id" ] || { echo "the demo has no patient"; exit 1; }
trigger() {
  for n in $(seq 600); do
    by=$(date -u -d '+2 hours' +%Y-%m-%dT%H:%M:%SZ)
    ask "$staff" '{"query":"mutation($input: CallLogAddInput!) { callLogAdd(input: $input) { call { id } userErrors { code } } }","variables":{"input":{"patientId":"'"$id"'","direction":"OUTGOING","withWhom":"Patienten","about":"Prov","callback":{"by":"'"$by"'","phone":"+46701740605"},"idempotencyKey":"ws-'"$$-$n"'"}}}' >/dev/null || true
    sleep 0.5
  done
}
trigger &
trigger=$!
trap 'kill $trigger 2>/dev/null || true' EXIT

expired=$(issue --staff --ttl 1) # Used only when the socket rules begin, some twenty seconds later.
said=$(node ws.mjs "ws://$address/graphql/ws" --token "$staff" --expired-token "$expired" \
  --short-token "$(issue --staff --ttl 60)" --short-secs 60 --init-timeout 2 --no-introspection 1 \
  --query '{ myAssignment { id } }' --sub '{ myAssignment { id } }' \
  --endless 'subscription { taskRaised { id } }') || { echo "$said"; exit 1; }
echo "$said"
grep -qx '36 passed, 0 failed, 0 skipped' <<<"$said" || { echo "not every rule was tried"; exit 1; }
