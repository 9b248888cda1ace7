// Finished letters through nodemailer's pool; prints one JSON line.
//
//     node nodemailer_pool.mjs PORT LETTERS CONNECTIONS PACKAGE
//
// PACKAGE is the folder where nodemailer lies. Some mails go first, so that connections are open and the code is compiled.
// A session carries 1,000 mails, as ours does (nodemailer's own default is 100).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [port, file, connections, folder] = process.argv.slice(2);
const load = createRequire(import.meta.url);
const nodemailer = load(folder);
const { version } = load(`${folder}/package.json`);
const WARM = 200;

const letters = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
const pool = nodemailer.createTransport({
  host: "127.0.0.1",
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  pool: true,
  maxConnections: Number(connections),
  maxMessages: 1000,
});

// All are handed over at once: the pool is fastest with a full queue.
async function send(some) {
  const infos = await Promise.all(
    some.map(({ from, to, reply_to: replyTo, subject, headers, text, html }) =>
      pool.sendMail({ from, to, replyTo, subject, headers, text, html }),
    ),
  );
  return infos.reduce((sum, info) => sum + info.accepted.length, 0);
}

const warm = await send(letters.slice(0, WARM));
const cpu = process.cpuUsage();
const started = process.hrtime.bigint();
const went = await send(letters);
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
const { user, system } = process.cpuUsage(cpu);
pool.close();
if (went !== letters.length) throw new Error(`${went} of ${letters.length} went`);
const processor = (user + system) / 1e6;
console.log(JSON.stringify({ mails: went, handed: went + warm, seconds, processor, version: `nodemailer ${version}` }));
