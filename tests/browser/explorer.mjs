#!/usr/bin/env node
// usage: node explorer.mjs ORIGIN RESULT-TEXT [SCREENSHOT.png]
//
// Opens ORIGIN/explorer in a headless Chromium, runs the first sample and waits until RESULT-TEXT stands in the answer;
// then presses the button for staff and runs again, and opens every sample. Fails if the page asks anything of another origin, breaks its
// content security policy or throws. Needs `chromium` on the PATH; no packages.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [origin, expected, screenshot] = process.argv.slice(2);
if (!expected) {
  console.error('usage: node explorer.mjs ORIGIN RESULT-TEXT [SCREENSHOT.png]');
  process.exit(2);
}

const profile = mkdtempSync(join(tmpdir(), 'explorer-'));
const chromium = spawn('chromium', [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
  '--window-size=1400,900', `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank',
], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });

const within = (ms, what, promise) =>
  Promise.race([promise, new Promise((_, fail) => setTimeout(() => fail(new Error(`${what}: not within ${ms} ms`)), ms).unref())]);

const problems = [];
const requests = [];

async function main() {
  const [, , , to, from] = chromium.stdio;
  const waiting = new Map();
  let last = 0;
  let session;
  const send = (method, params = {}) =>
    within(20_000, method, new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      to.write(`${JSON.stringify({ id: last, method, params, sessionId: session })}\0`);
    }));
  const hear = (text) => {
    const { id, result, error, method, params } = JSON.parse(text);
    if (id) {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (error) reject(new Error(error.message));
      else resolve(result);
    }
    if (method === 'Network.requestWillBeSent') requests.push(params.request.url);
    if (method === 'Runtime.exceptionThrown') problems.push(`exception: ${params.exceptionDetails.exception?.description ?? params.exceptionDetails.text}`);
    if (method === 'Log.entryAdded' && params.entry.level === 'error') problems.push(`log: ${params.entry.text}`);
  };
  let buffer = '';
  from.setEncoding('utf8');
  from.on('data', (data) => {
    const messages = (buffer + data).split('\0');
    buffer = messages.pop();
    messages.forEach(hear);
  });
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  session = (await send('Target.attachToTarget', { targetId, flatten: true })).sessionId;
  for (const domain of ['Network', 'Runtime', 'Log', 'Page']) await send(`${domain}.enable`);

  const evaluate = async (expression) => (await send('Runtime.evaluate', { expression, returnByValue: true })).result.value;
  const until = async (what, expression) => {
    for (let tries = 0; tries < 150; tries += 1) {
      if (await evaluate(expression)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${what}: not seen. Page: ${await evaluate('document.body.innerText.slice(0, 500)')}`);
  };
  const shown = `document.querySelector('.result-window')?.innerText.includes(${JSON.stringify(expected)})`;

  await send('Page.navigate', { url: `${origin}/explorer` });
  await until('the run button', `document.querySelector('.graphiql-execute-button') !== null`);
  await until('the identities', `document.querySelectorAll('#person option').length >= 2`);
  await evaluate(`document.querySelector('.graphiql-execute-button').click()`);
  await until(`the answer with "${expected}"`, shown);
  if (screenshot) writeFileSync(screenshot, Buffer.from((await send('Page.captureScreenshot')).data, 'base64'));
  await evaluate(`document.querySelectorAll('#identities button')[1].click()`);
  await until('the staff identity', `document.querySelectorAll('#identities button')[1].getAttribute('aria-pressed') === 'true'`);
  const before = requests.length;
  await evaluate(`document.querySelector('.graphiql-execute-button').click()`);
  for (let tries = 0; tries < 50 && requests.length === before; tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  if (requests.length === before) problems.push('the second run sent nothing');

  // Every sample opens: its operation stands in the editor, as somebody whom the page knows.
  const all = await evaluate(`document.querySelectorAll('#samples button').length`);
  for (let n = 0; n < all; n += 1) {
    const title = await evaluate(`(() => { const b = document.querySelectorAll('#samples button')[${n}]; b.click(); return b.textContent; })()`);
    await until(`the sample "${title}"`, `document.body.dataset.sample === ${JSON.stringify(title)} &&
      document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.getValue().startsWith('# ' + ${JSON.stringify(title)})`);
    const status = await evaluate(`document.getElementById('status').textContent`);
    if (status.includes('kunde inte')) problems.push(`${title}: ${status}`);
  }
  console.log(`${all} samples opened`);
}

try {
  await main();
} catch (error) {
  problems.push(error.message);
}
const gone = new Promise((resolve) => chromium.once('exit', resolve));
chromium.kill('SIGKILL');
await gone;
rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
const foreign = requests.filter((url) => !url.startsWith(`${origin}/`) && !/^(data|blob|about):/.test(url));
for (const url of foreign) problems.push(`request to another origin: ${url}`);
for (const problem of problems) console.log(`FAIL ${problem}`);
console.log(`${requests.length} requests, ${foreign.length} to other origins, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
