# needs: bash npm node
# A package with scripts, and a program that it starts.
set -eu
exec 2>&1
printf '{"name":"x","version":"1.0.0","private":true,"scripts":{"say":"node say.js","fail":"exit 4"}}' >package.json
printf 'const c = require("child_process"); console.log(process.argv.length, c.execFileSync("echo", ["ran"]).toString().trim(), c.spawnSync("sh", ["-c", "exit 3"]).status);' >say.js
npm --silent --offline --no-update-notifier run say -- one two
npm --silent --offline --no-update-notifier run fail || echo "npm $?"
npm --offline --no-update-notifier --silent pack --dry-run --json | grep -c '"path"'
