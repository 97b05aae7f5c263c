#!/bin/sh
# Runs once, on an empty volume: a role for each process with its own password, and a database for each owner.
set -eu
for role in ops triage returns registry; do
  psql --quiet --username postgres --set role="$role" --set word="$(cat "/run/secrets/$role.password")" <<'SQL'
create role :"role" login password :'word';
SQL
done
psql --quiet --username postgres --command 'create database tocsin owner ops' --command 'create database registry owner registry'
psql --quiet --username postgres --command 'revoke connect on database postgres from public' --command 'revoke connect on database template1 from public'
