// The discussion as two people live it on a bad line: what is typed survives a lost request, a
// lost answer and a reload, is recorded once, is seen by the other person without a reload, and
// no text of it is ever run.
import { line } from './line.mjs';
import { open } from './open.mjs';

const { base: server, cookie, other, incident } = JSON.parse(process.argv[2]);
const bad_line = await line(server);
const base = bad_line.base;
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

// The line is cut: the request never arrives, and the page says so.
bad_line.cut();
await mine.waitForSelector('#broken:not([hidden])', { timeout: WITHIN });
await mine.press('#note-text', 'Control+Enter');
await unsent();
await kept('after a lost request');
bad_line.mend();
await mine.waitForSelector('#broken', { state: 'hidden', timeout: 4 * WITHIN });
await mine.reload();
await kept('after a reload');

// It arrives, and the answer is lost.
let lose = () => {};
const lost = new Promise((resolve) => { lose = resolve; });
await mine.route('**/do/write-note', async (route) => { const answer = await route.fetch({ maxRedirects: 0 }); await route.abort('connectionreset'); lose(answer.status()); });
await mine.click('#write button.primary');
const arrived = await lost;
if (arrived !== 303) fail(`the server answered ${arrived}`);
// The one who drives the browser took the cookies of an answer that the browser never had.
await mine.context().clearCookies({ name: 'balefire_sent' });
await unsent();
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
const caret = await theirs.evaluate(() => document.activeElement.selectionStart);
if (caret !== 'half a sentence'.length) fail(`the caret is at ${caret}`);

// A session that ended meanwhile takes no words along.
const ended = await person('balefire_session=none');
await ended.context().addCookies([{ name: cookie.split('=')[0], value: cookie.split('=')[1], url: base }]);
await ended.goto(path);
await ended.keyboard.press('/');
await ended.keyboard.type('written too late');
await ended.context().clearCookies({ name: cookie.split('=')[0] });
await ended.keyboard.press('Control+Enter');
await ended.waitForSelector('.draft-told:not([hidden])', { timeout: WITHIN });
await ended.goto(`${base}/login`);
await ended.context().addCookies([{ name: cookie.split('=')[0], value: cookie.split('=')[1], url: base }]);
await ended.goto(path);
if (await ended.inputValue('#note-text') !== 'written too late') fail('the words went with the session');
await ended.context().close();

// Words of any other act are kept as well, over a reload, and go when it is done.
await mine.goto(`${base}/incidents/${incident}/orders`);
await mine.fill('#otext', 'stop the payouts');
await mine.waitForFunction(() => Object.keys(localStorage).some((k) => k.includes('/do/issue-order')), null, { timeout: WITHIN });
await mine.reload();
if (await mine.inputValue('#otext') !== 'stop the payouts') fail('the words of an order are lost');
await mine.click('#issue button.primary');
await mine.waitForURL(/done=issue-order/, { timeout: WITHIN });
if (await mine.inputValue('#otext') !== '') fail('a sent order is still in its form');
if (await mine.evaluate(() => Object.keys(localStorage).some((k) => k.includes('/do/issue-order')))) fail('a sent order is still kept');

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
bad_line.close();
process.exit(0);
