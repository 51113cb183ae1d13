# Makes and upgrades the tables of Temporal. Tables that are there stay.
set -eu
SQL_PASSWORD=$(cat "${PASSWORD_FILE:-/run/secrets/postgres_password}")
export SQL_PASSWORD
for each in temporal:temporal temporal_visibility:visibility; do
  export SQL_DATABASE="${each%:*}"
  temporal-sql-tool setup-schema --version 0.0
  temporal-sql-tool update-schema --schema-name "postgresql/v12/${each#*:}"
done
