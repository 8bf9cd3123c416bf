#!/usr/bin/env bash
# Databases and servers of the benchmark, all on the loopback address; stops only what it started, by pid file.
#   ./setup.sh pg              a PostgreSQL cluster of its own
#   ./setup.sh ours [PATIENTS] migrate and seed our database, write the manifest
#   ./setup.sh peers [PATIENTS] load the peers' database
#   ./setup.sh start NAME...   ours axum-sql axum-rows postgraphile yoga
#   ./setup.sh stop            every server, then the cluster
set -euo pipefail
. "$(dirname "$0")/env.sh"
as_pg() { if [ "$(id -u)" = 0 ]; then runuser -u "$PGUSER_OS" -- "$@"; else "$@"; fi; }
psqlb() { "$PGBIN/psql" -X -q -h 127.0.0.1 -p "$PGPORT_BENCH" -U bench -v ON_ERROR_STOP=1 "$@"; }
fresh() { psqlb -d postgres -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1"; }

pg() {
  if [ ! -s "$PGDATA_BENCH/PG_VERSION" ]; then
    mkdir -p "$PGDATA_BENCH"; [ "$(id -u)" != 0 ] || chown "$PGUSER_OS" "$PGDATA_BENCH"
    as_pg "$PGBIN/initdb" -D "$PGDATA_BENCH" -U bench -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
    as_pg tee -a "$PGDATA_BENCH/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $PGPORT_BENCH
unix_socket_directories = ''
max_connections = 150
shared_buffers = 2GB
effective_cache_size = 8GB
work_mem = 16MB
random_page_cost = 1.1
jit = off
# Durability stays as in production: fsync and synchronous_commit are on.
max_wal_size = 8GB
checkpoint_timeout = 30min
autovacuum_naptime = 10min
CONF
  fi
  as_pg "$PGBIN/pg_ctl" -D "$PGDATA_BENCH" status >/dev/null 2>&1 ||
    as_pg "$PGBIN/pg_ctl" -D "$PGDATA_BENCH" -l "$PGDATA_BENCH/server.log" -w start
}

ours() {
  fresh "$DB_OURS"
  "$OURS_BIN" migrate up >/dev/null
  "$OURS_BIN" seed --patients "$1" --seed 1 --manifest "$MANIFEST"
  psqlb -d "$DB_OURS" -c "VACUUM ANALYZE" -c "CHECKPOINT"
}

peers() {
  fresh "$DB_PEERS"
  psqlb -d "$DB_PEERS" -v n="$1" -f "$BENCH/peers/schema.sql" -f "$BENCH/peers/load.sql"
  psqlb -d "$DB_PEERS" -f "$BENCH/peers/postgraphile/functions.sql" -c "CHECKPOINT"
}

launch() { # name, command...
  local name="$1"; shift
  if [ -f "$RUN_DIR/$name.pid" ] && kill -0 "$(cat "$RUN_DIR/$name.pid")" 2>/dev/null; then return; fi
  setsid "$@" >"$RUN_DIR/$name.log" 2>&1 </dev/null & echo $! >"$RUN_DIR/$name.pid"
}
start() {
  local url="postgres://bench@127.0.0.1:$PGPORT_BENCH/$DB_PEERS" P="$BENCH/peers"
  case "$1" in
  ours) launch ours "$OURS_BIN" serve ;;
  axum-sql) launch "$1" env DATABASE_URL="$url" PORT=7003 MODE=json "$CARGO_TARGET_DIR/release/axum_sql" ;;
  axum-rows) launch "$1" env DATABASE_URL="$url" PORT=7005 MODE=rows "$CARGO_TARGET_DIR/release/axum_sql" ;;
  postgraphile) launch "$1" env DATABASE_URL="$url" PORT=7001 NODE_ENV=production GRAPHILE_ENV=production "$NODE" "$P/postgraphile/server.mjs" ;;
  yoga) launch "$1" env DATABASE_URL="$url" PORT=7002 NODE_ENV=production "$NODE" "$P/yoga/server.mjs" ;;
  *) echo "unknown: $1" >&2; return 1 ;;
  esac
}
stop() {
  for file in "$RUN_DIR"/*.pid; do
    [ -f "$file" ] || continue
    kill "$(cat "$file")" 2>/dev/null || true; rm -f "$file"
  done
  as_pg "$PGBIN/pg_ctl" -D "$PGDATA_BENCH" -m fast stop
}
case "${1:?see the head of this file}" in
pg | stop) "$1" ;;
ours | peers) "$1" "${2:-20000}" ;;
start) shift; for name in "$@"; do start "$name"; done ;;
*) echo "unknown: $1" >&2; exit 1 ;;
esac
