#!/bin/bash
# Makes the database cluster on the first start, then becomes the server.
#
# POSTGRES_PASSWORD  needed on the first start
# POSTGRES_USER      superuser, default postgres
# POSTGRES_DB        database made for it, default the user's name
set -euo pipefail

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

make_cluster() {
  if [[ -z ${POSTGRES_PASSWORD:-} ]]; then
    echo "db: POSTGRES_PASSWORD is not set: the first start needs it to make the user $user" >&2
    exit 1
  fi
  # Built beside its place and moved at the end: a start that was killed half-way is simply done again.
  local new=$PGDATA/.new
  rm -rf "$new"
  initdb --pgdata="$new" --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  echo "host all all all scram-sha-256" >>"$new/pg_hba.conf"
  if [[ $database != postgres ]]; then
    # Single-user mode: no server answers before the database is there, so no check can be fooled.
    postgres --single -j -D "$new" postgres >/dev/null <<<"CREATE DATABASE \"${database//\"/\"\"}\";"
  fi
  # PG_VERSION goes last: it marks the cluster as complete.
  find "$new" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
  mv "$new/PG_VERSION" "$PGDATA/"
  rmdir "$new"
  echo "db: made the cluster and the database $database"
}

if [[ ${1:-} == postgres && ! -s $PGDATA/PG_VERSION ]]; then
  make_cluster
fi
if [[ ${1:-} == postgres ]]; then
  shift
  exec postgres -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
fi
exec "$@"
