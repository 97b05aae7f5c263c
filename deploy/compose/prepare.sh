#!/bin/sh
# Fills secrets/ and settings for a first start on one machine: an authority for all, a certificate and passwords for
# each, and the keys that `tocsin keys begin` made. From the checkout, with tocsin and openssl on the path:
#   tocsin keys begin --home exchange --as canary --as nl-hotline && sh deploy/compose/prepare.sh exchange
# It writes over nothing. The authority stays in exchange/certificates: it signs what members ask for (tocsin member add).
set -eu
umask 077
home=$1
compose=$(dirname "$0")
secrets=$compose/secrets
settings=$compose/../kubernetes/exchange/settings
authority=$home/certificates
own() { echo "$secrets/$1"; }

for there in "$secrets" "$authority"; do
  test ! -e "$there" || { echo "$there is there already, and nothing was changed. Move it away to begin anew." >&2; exit 1; }
done
test -e "$home/keys/keeper/directory.note" || { echo "There are no keys in $home yet: tocsin keys begin --home $home --as canary --as nl-hotline" >&2; exit 1; }
keeper=$(tocsin keys keeper --home "$home")

mkdir -p "$authority" "$secrets"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=exchange-authority \
  -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$authority/ca.key" -out "$authority/ca.pem" 2>/dev/null

pair() { # whose, and the name under which others connect to it
  mkdir -p "$(own "$1")"
  printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth,serverAuth\nsubjectAltName=DNS:%s\n' "$2" > "$authority/extensions"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
    -keyout "$(own "$1")/client.key" -out "$authority/request" 2>/dev/null
  openssl x509 -req -in "$authority/request" -CA "$authority/ca.pem" -CAkey "$authority/ca.key" -days 365 \
    -extfile "$authority/extensions" -out "$(own "$1")/client.pem" 2>/dev/null
  rm "$authority/extensions" "$authority/request"
  cp "$authority/ca.pem" "$(own "$1")/ca.pem"
  cp "$authority/ca.pem" "$(own "$1")/cluster-ca.pem"
}
password() { openssl rand -hex 24 | tr -d '\n'; }

pair broker tocsin-kafka-bootstrap
pair postgresql postgresql
pair registry registry
for name in ops triage returns metrics canary nl-hotline; do
  pair "$name" "$name"
  for key in "$home/keys/$name"/*.pem; do test ! -e "$key" || cp "$key" "$(own "$name")/"; done
done
cat "$(own broker)/client.key" "$(own broker)/client.pem" > "$(own broker)/client.bundle.pem"

for role in postgres ops triage returns registry; do password > "$(own postgresql)/$role.password"; done
for role in ops triage returns; do cp "$(own postgresql)/$role.password" "$(own "$role")/database.password"; done
password > "$(own ops)/registry-writer.password"
password > "$(own nl-hotline)/receiver.secret"
password > "$secrets/grafana.password"
cat > "$(own registry)/registry.properties" <<END
apicurio.datasource.password=$(cat "$(own postgresql)/registry.password")
quarkus.security.users.embedded.users.ops=$(cat "$(own ops)/registry-writer.password")
quarkus.security.users.embedded.roles.ops=sr-admin
END

for file in "$settings"/*.toml "$compose"/servers/nl-hotline.toml; do
  sed "s|REPLACE-WITH-THE-LINE-OF-tocsin-keys-keeper|$keeper|" "$file" > "$authority/draft"
  cat "$authority/draft" > "$file"
done
rm "$authority/draft"
cat "$home/keys/keeper/directory.note" > "$settings/directory.note"

echo "Next, as root: chown -R 10001:10001 on the folders ops, triage, returns, metrics, canary and nl-hotline of $secrets;"
echo "broker, postgresql, registry and grafana.password to the user of that image (docker run --rm --entrypoint id IMAGE)."
