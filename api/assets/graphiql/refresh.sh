#!/usr/bin/env bash
# Makes the explorer's files anew from the packages pinned in package-lock.json: graphiql.js, graphiql.css, react.js,
# react-dom.js and LICENSES.txt. Fonts that GraphiQL's style sheet carries are left out: the system's own are used.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$here/package-lock.json" "$work/"
cd "$work"
npm ci --ignore-scripts --no-audit --no-fund >/dev/null
sed '/^\/\/# sourceMappingURL=/d' node_modules/graphiql/graphiql.min.js > "$here/graphiql.js"
node -e '
  const css = require("fs").readFileSync("node_modules/graphiql/graphiql.min.css", "utf8");
  process.stdout.write(css.replace(/@font-face\s*\{[^}]*\}/g, ""));
' > "$here/graphiql.css"
cp node_modules/react/umd/react.production.min.js "$here/react.js"
cp node_modules/react-dom/umd/react-dom.production.min.js "$here/react-dom.js"
node -e '
  const fs = require("fs"), path = require("path");
  const lock = JSON.parse(fs.readFileSync("package-lock.json", "utf8"));
  const parts = [];
  for (const [folder, entry] of Object.entries(lock.packages).sort()) {
    if (!folder || folder.includes("/@types/") || !fs.existsSync(folder)) continue;
    const file = fs.readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    const text = file ? fs.readFileSync(path.join(folder, file), "utf8").trim() : "(no licence file in the package)";
    parts.push(`${folder.replace(/^.*node_modules\//, "")} ${entry.version} (${entry.license ?? "see below"})\n\n${text}`);
  }
  process.stdout.write(parts.join("\n\n" + "-".repeat(80) + "\n\n") + "\n");
' > "$here/LICENSES.txt"
