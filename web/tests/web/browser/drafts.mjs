// Every form of the product that takes a text keeps it: over a reload on every page, and over a
// line that is cut while it is sent. What was carried out is kept no longer.
import { line } from './line.mjs';
import { open } from './open.mjs';

const { base: server, cookie, incident, pages, visitors } = JSON.parse(process.argv[2]);
const WITHIN = 15000;
const fail = (text) => { console.log(text); process.exit(1); };
const bad_line = await line(server);
const base = bad_line.base;
const browser = await open();
const [name, value] = cookie.split('=');
const person = async (known) => {
  const context = await browser.newContext();
  const english = { name: 'balefire_lang', value: 'en', url: base };
  await context.addCookies(known ? [{ name, value, url: base }, english] : [english]);
  return context.newPage();
};
const mine = await person(true);

// Fills every field of every form that takes a text, each with words of its own, or reads them back
// after opening what is folded, as somebody does who goes on writing.
const inEveryForm = (page, write) => page.evaluate(async (write) => {
  const secret = 'input[type=password], [autocomplete="one-time-code"]';
  const kinds = { textarea: 'words', text: 'words', search: 'words', tel: 'words', url: 'https://x.example/', email: 'a@x.example', number: '1', date: '2026-01-0', time: '10:0', 'datetime-local': '2026-01-02T10:0' };
  const texts = (form) => [...form.elements].filter((f) => f.name && kinds[f.type] && f.dataset.unkept === undefined);
  const forms = () => [...document.querySelectorAll('main form')].filter((form) => form.method === 'post' && !form.querySelector(secret) && texts(form).length);
  const all = [];
  for (const number of forms().keys()) {
    for (let folded = forms()[number].closest('details'); folded; folded = folded.parentElement.closest('details')) folded.open = true;
    // The event of opening comes a moment later, and a live part may have come anew meanwhile.
    await new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)));
    const form = forms()[number];
    for (const field of write ? form.querySelectorAll('[data-unkept]') : []) {
      field.value = 'https://canary.example/';
      field.dispatchEvent(new Event('input', { bubbles: true }));
      window.unkept = (window.unkept || 0) + 1;
    }
    for (const [place, field] of texts(form).entries()) {
      const digit = (number + place) % 10;
      const text = kinds[field.type] === 'words' ? `${number}:${place}:${field.name}`.slice(0, field.maxLength > 0 ? field.maxLength : 99) : kinds[field.type] + digit;
      if (write) { field.value = text; field.dispatchEvent(new Event('input', { bubbles: true })); }
      all.push({ form: form.getAttribute('action'), field: field.name, expected: text, is: field.value });
    }
  }
  return all;
}, write);
const kept = (page) => page.evaluate(() => [localStorage, sessionStorage].flatMap((s) => Object.keys(s)).filter((k) => k.startsWith('balefire-draft:')));
const forgetAll = (page) => page.evaluate(() => { for (const s of [localStorage, sessionStorage]) for (const k of Object.keys(s)) if (k.startsWith('balefire-draft:')) s.removeItem(k); });

let forms = 0, unkept = 0;
for (const path of pages) {
  const page = visitors.includes(path) ? await person(false) : mine;
  await page.goto(base + path);
  const written = await inEveryForm(page, true);
  if (written.length) {
    unkept += await page.evaluate(() => window.unkept || 0);
    // Leaving the page keeps what the last moment held.
    await page.reload();
    const told = await page.evaluate(() => [localStorage, sessionStorage].some((s) => JSON.stringify(s).includes('canary.example')));
    if (told) fail(`${path}: a code or a secret address is kept on the device`);
    for (const { form, field, expected, is } of await inEveryForm(page, false)) {
      if (is !== expected) fail(`${path} ${form} ${field}: ${JSON.stringify(is)} instead of ${JSON.stringify(expected)}`);
    }
    forms += new Set(written.map((w) => w.form)).size;
  }
}
console.log(`${forms} forms`);
if (unkept < 3) fail(`only ${unkept} secret fields were found`);
if (forms < 40) fail('too few forms were found');

// An act of the war room, sent into a line that is cut.
const room = `${base}/incidents/${incident}`;
// A page without a script keeps nothing on the way out.
await mine.goto(`${base}/healthz`);
await forgetAll(mine);
await mine.goto(room);
await mine.click('#aim > summary');
await mine.fill('#aim-text', 'no payout leaves');
bad_line.cut();
await mine.click('#aim button').catch(() => {});
await mine.waitForURL((url) => url.href.startsWith('chrome-error:') || url.href.includes('set-objective'), { timeout: WITHIN }).catch(() => {});
bad_line.mend();
await mine.goto(room);
await mine.waitForSelector('#aim > summary[data-kept]', { timeout: WITHIN });
if (await mine.isVisible('#aim-text')) fail('a live part stands still for words that wait');
await mine.click('#aim > summary');
if (await mine.inputValue('#aim-text') !== 'no payout leaves') fail('the objective is lost');
await mine.click('#aim button.primary');
await mine.waitForURL(/done=set-objective/, { timeout: WITHIN });
if ((await kept(mine)).length) fail(`carried out and still kept: ${await kept(mine)}`);
if (!(await mine.textContent('#objective')).includes('no payout leaves')) fail('the objective does not stand');

// Refused because somebody else was first: the words are in the form again.
await mine.click('#aim > summary');
await mine.fill('#aim-text', 'mine');
const other = await mine.context().newPage();
await other.goto(room);
await other.click('#aim > summary');
await other.fill('#aim-text', 'theirs');
await other.click('#aim button.primary');
await other.waitForURL(/done=set-objective/, { timeout: WITHIN });
await other.close();
await mine.click('#aim button.primary');
await mine.waitForSelector('[data-message]', { timeout: WITHIN });
await mine.click('main .actions a.primary');
await mine.waitForSelector('#aim > summary[data-kept]', { timeout: WITHIN });
await mine.click('#aim > summary');
if (await mine.inputValue('#aim-text') !== 'mine') fail('the words of whoever came second are lost');
await mine.click('#aim .draft-told button');
if (await mine.inputValue('#aim-text') !== '' || (await kept(mine)).length) fail('discarded words are still there');

// A report of somebody without a name: kept for this window only, and gone with its sending.
const visitor = await person(false);
await visitor.goto(`${base}/report`);
await visitor.fill('#what', 'money went to a stranger');
bad_line.cut();
await visitor.click('button.big-button').catch(() => {});
await visitor.waitForURL(/chrome-error/, { timeout: WITHIN }).catch(() => {});
bad_line.mend();
await visitor.goto(`${base}/report`);
if (await visitor.inputValue('#what') !== 'money went to a stranger') fail('the report is lost');
if (await visitor.evaluate(() => Object.keys(localStorage).length)) fail('a report is kept beyond its window');
await visitor.click('button.big-button');
await visitor.waitForURL(/receipt/, { timeout: WITHIN });
if ((await kept(visitor)).length) fail('a report that was sent is still kept');
await browser.close();
bad_line.close();
process.exit(0);
