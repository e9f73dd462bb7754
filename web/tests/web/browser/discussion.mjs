// The discussion as two people live it on a bad line: what is typed survives a lost request, a
// lost answer and a reload, is recorded once, is seen by the other person without a reload, and
// no text of it is ever run.
import { open } from './open.mjs';

const { base, cookie, other, incident } = JSON.parse(process.argv[2]);
const WITHIN = 15000;
const browser = await open();
const person = async (text) => {
  const context = await browser.newContext();
  const [name, value] = text.split('=');
  await context.addCookies([{ name, value, url: base }, { name: 'balefire_lang', value: 'en', url: base }]);
  return context.newPage();
};
const fail = (text) => { console.log(text); process.exit(1); };
const path = `${base}/incidents/${incident}/discussion`;
const mine = await person(cookie);
const theirs = await person(other);
await theirs.goto(`${base}/incidents/${incident}`);
await mine.goto(path);

const words = 'payouts stopped at the bank';
const kept = async (when) => {
  const value = await mine.inputValue('#note-text');
  if (value !== words) fail(`${when}: the text is ${JSON.stringify(value)}`);
};
const unsent = () => mine.waitForSelector('.draft-told:not([hidden])', { timeout: WITHIN });
await mine.fill('#note-text', words);
await mine.check('input[name=mark][value=decision]');

// The request never arrives.
await mine.route('**/do/write-note', (route) => route.abort('connectionreset'));
await mine.keyboard.press('Control+Enter');
await mine.click('#write button.primary');
await unsent();
await kept('after a lost request');
await mine.unroute('**/do/write-note');
await mine.reload();
await kept('after a reload');

// It arrives, and the answer is lost.
let arrived = 0;
await mine.route('**/do/write-note', async (route) => { const answer = await route.fetch({ maxRedirects: 0 }); arrived = answer.status(); await route.abort('connectionreset'); });
await mine.click('#write button.primary');
await unsent();
if (arrived !== 303) fail(`the server answered ${arrived}`);
await mine.unroute('**/do/write-note');
await mine.reload();
await kept('after a lost answer and a reload');
if (!await mine.isChecked('input[name=mark][value=decision]')) fail('the mark is lost');
await mine.click('#write button.primary');
await mine.waitForURL(/done=/, { timeout: WITHIN });
const count = await mine.locator('.note .words', { hasText: words }).count();
if (count !== 1) fail(`recorded ${count} times`);
if (await mine.inputValue('#note-text') !== '') fail('the form still holds what was sent');
await theirs.waitForSelector(`#talk .words:has-text("${words}")`, { timeout: WITHIN });
await theirs.waitForSelector(`#decisions :text("${words}")`, { timeout: WITHIN });

// What somebody types is not taken away by what others say meanwhile.
await theirs.fill('#note-text', 'half a sentence');
await mine.fill('#note-text', 'another one');
await mine.click('#write button.primary');
await theirs.waitForSelector('#talk .words:has-text("another one")', { timeout: WITHIN });
if (await theirs.inputValue('#note-text') !== 'half a sentence') fail('typed words were taken away');
const active = await theirs.evaluate(() => document.activeElement && document.activeElement.id);
if (active !== 'note-text') fail(`the caret is in ${active}`);

// Nothing that is said is run.
const bad = '<img src=x onerror="window.ran=1"><script>window.ran=2</script>"><svg onload=window.ran=3>{{7*7}}';
await mine.goto(path);
await mine.click('#said > summary');
await mine.fill('#note-text', bad);
await mine.fill('#said-by', bad);
await mine.fill('#said-place', bad);
await mine.fill('#said-at', '2026-01-02T03:04');
await mine.click('#write button.primary');
await mine.waitForURL(/done=/, { timeout: WITHIN });
for (const page of ['/discussion', '', '/timeline', '/brief', '/report']) {
  await mine.goto(`${base}/incidents/${incident}${page}`, { waitUntil: 'load' });
  const ran = await mine.evaluate(() => window.ran);
  if (ran !== undefined) fail(`${page}: a text was run`);
  if (page === '/discussion' && !(await mine.locator('.note .words').first().textContent()).includes('{{7*7}}')) fail('the text is not shown as it was written');
}

// Whoever leaves leaves no words on the device.
await mine.goto(path);
await mine.fill('#note-text', 'for my eyes');
await mine.waitForFunction(() => Object.keys(localStorage).some((k) => k.startsWith('balefire-draft:')), null, { timeout: WITHIN });
await mine.evaluate(() => document.querySelector('form[action="/logout"]').requestSubmit());
await mine.waitForURL(/login|\/$/, { timeout: WITHIN });
await mine.goto(`${base}/report`);
if (await mine.evaluate(() => Object.keys(localStorage).some((k) => k.startsWith('balefire-draft:')))) fail('words stayed on the device');
await browser.close();
process.exit(0);
