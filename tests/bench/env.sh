# Settings of the benchmark; each can be overridden in the environment.
: "${BENCH:=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}"
: "${PERF_DIR:=${TMPDIR:-/tmp}/patientkontrakt-bench}"        # cluster, logs, peers' build output
: "${PGBIN:=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)}"
: "${PGDATA_BENCH:=$PERF_DIR/pg}"
: "${PGPORT_BENCH:=55433}"
: "${PGUSER_OS:=postgres}"                                    # unprivileged account that owns the cluster
: "${DB_OURS:=patientkontrakt_ours}"
: "${DB_PEERS:=patientkontrakt_peers}"
: "${POOL:=10}"                                               # database connections per server, the same for all
: "${WORKERS:=2}"                                             # threads of the Rust servers
: "${NODE:=node}"                                             # PostGraphile 5 needs 22 or later
: "${OURS_BIN:=$BENCH/../../target/release/patientkontrakt}"
: "${CARGO_TARGET_DIR:=$PERF_DIR/target}"
: "${RUN_DIR:=$PERF_DIR/run}"
: "${MANIFEST:=$PERF_DIR/manifest.jsonl}"                     # holds tokens
# Our own server: demo mode for its issuer of tokens, everything else as in production.
: "${PK_MODE:=demo}" "${PK_DATA_DIR:=$PERF_DIR/data}" "${PK_HTTP__LISTEN:=127.0.0.1:7000}" "${PK_METRICS__LISTEN:=127.0.0.1:7009}"
: "${PK_DATABASE__URL:=postgres://bench@127.0.0.1:$PGPORT_BENCH/$DB_OURS}" "${PK_DATABASE__MAX_CONNECTIONS:=$POOL}"
: "${PK_HTTP__RATE_PER_SECOND:=100000}" "${PK_HTTP__RATE_BURST:=100000}" "${TOKIO_WORKER_THREADS:=$WORKERS}" "${PK_LOG__LEVEL:=warn}"
export BENCH PERF_DIR PGBIN PGDATA_BENCH PGPORT_BENCH DB_OURS DB_PEERS POOL WORKERS NODE OURS_BIN CARGO_TARGET_DIR RUN_DIR MANIFEST
export PK_MODE PK_DATA_DIR PK_HTTP__LISTEN PK_METRICS__LISTEN PK_DATABASE__URL PK_DATABASE__MAX_CONNECTIONS
export PK_HTTP__RATE_PER_SECOND PK_HTTP__RATE_BURST TOKIO_WORKER_THREADS PK_LOG__LEVEL
mkdir -p "$RUN_DIR"
