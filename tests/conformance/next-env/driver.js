// Answers, for one case per line on stdin, what the real @next/env makes of it: node driver.js VERSION FOLDER
//
// A case: {"process": {name: value}, "files": [[name, contents in base64]], "dev": true}.
// The answer: {"env": process.env afterwards, "dropped": [[file, name of the error]]}.
// The package keeps what it loaded first in module variables, so every case gets a module of its own: compiled once,
// run as often as there are cases (a new `require` takes thirty times as long). The files are real files in FOLDER,
// which belongs to this process, so that Node's own decoding is part of the answer.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const vm = require("node:vm");

const [version, folder] = process.argv.slice(2);
const entry = require.resolve(`next-env-${version}`);
const run = vm.compileFunction(
  fs.readFileSync(entry, "utf8"),
  ["exports", "require", "module", "__filename", "__dirname"],
  { filename: entry },
);

function freshModule() {
  const module = { exports: {} };
  run(module.exports, require, module, entry, path.dirname(entry));
  return module.exports;
}

function replaceEnvironment(variables) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) process.env[name] = value;
}

function load({ process: variables, files, dev }) {
  const dropped = [];
  const error = (text, cause) => dropped.push([path.basename(text), cause ? cause.name : "?"]);
  const written = files.map(([name, contents]) => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, Buffer.from(contents, "base64"));
    return file;
  });
  try {
    replaceEnvironment(variables);
    freshModule().loadEnvConfig(folder, dev, { info() {}, error });
    return { env: { ...process.env }, dropped };
  } finally {
    for (const file of written) fs.unlinkSync(file);
  }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(JSON.stringify(load(JSON.parse(line))) + "\n");
});
