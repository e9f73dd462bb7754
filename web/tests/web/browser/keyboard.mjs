// Goes through every page with the Tab key alone, as wide as a desk and as narrow as a phone, and
// tells what the key does not reach, what shows no sign that it has the focus, and what is hidden
// under something else while it has it (WCAG 2.2: 2.1.1, 2.1.2, 2.4.7, 2.4.11).
import { eachPage, open } from './open.mjs';

const input = JSON.parse(process.argv[2]);
const { base, cookie, pages, langs, incident } = input;
const LOOKS = [
  { lang: langs[0], scheme: 'light', width: 1280 },
  { lang: langs[1], scheme: 'dark', width: 360 },
];
// A page that is embedded takes the focus in too, and the browser's own frame once a round.
const SPARE = 25;

// Marks what the key must reach, one of each group of radio buttons, and keeps how it looks.
function mark() {
  const all = document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]');
  const groups = new Map();
  const reach = [...all].filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true }));
  for (const e of reach) {
    if (e.type !== 'radio') continue;
    const group = groups.get(e.form)?.get(e.name) ?? e;
    groups.set(e.form, (groups.get(e.form) ?? new Map()).set(e.name, e.checked ? e : group));
  }
  const wanted = reach.filter((e) => e.type !== 'radio' || groups.get(e.form).get(e.name) === e);
  window.look = (e) => {
    const s = getComputedStyle(e);
    return [s.boxShadow, s.borderColor, s.backgroundColor, s.textDecorationLine].join();
  };
  document.activeElement.blur();
  wanted.forEach((e, n) => {
    e.dataset.reach = n;
    e.dataset.look = window.look(e);
  });
  return wanted.map((e) => `${e.tagName.toLowerCase()} "${(e.getAttribute('aria-label') ?? e.name ?? e.innerText ?? '').slice(0, 40)}${e.innerText ? ` ${e.innerText.slice(0, 30)}` : ''}"`);
}

// What has the focus now: its number, and what is wrong with how it shows that.
async function focused() {
  const e = document.activeElement;
  if (!e || e === document.body) return { at: null };
  const style = getComputedStyle(e);
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  const wrong = [];
  if (e.dataset.reach && !ring && window.look(e) === e.dataset.look) wrong.push('shows no focus');
  const seen = () => [...e.getClientRects()].filter((r) => r.width > 0 && r.height > 0).some((r) => [0.1, 0.5, 0.9].some((x) => [0.15, 0.5, 0.85].some((y) => {
    const hit = document.elementFromPoint(r.left + r.width * x, r.top + r.height * y);
    return hit && (e.contains(hit) || hit.contains(e) && hit.tagName === 'LABEL' || [...(e.labels ?? [])].some((l) => l.contains(hit)));
  })));
  // A list that scrolls by itself may need some frames to show it.
  for (let n = 0; n < 40 && e.dataset.reach && !seen(); n += 1) await new Promise(requestAnimationFrame);
  if (e.dataset.reach && !seen()) wrong.push('is hidden while it has the focus');
  return { at: e.dataset.reach === undefined ? null : Number(e.dataset.reach), wrong };
}

const browser = await open();
let faults = 0;
let looked = 0;
let keys = 0;
// What is refreshed in between would lose its marks: the stream neither speaks nor ends.
const made = (page) => page.route('**/events**', () => {});
await eachPage(browser, LOOKS, input, made, async (page, _, { shown }) => {
  const wanted = await page.evaluate(mark);
  const reached = new Set();
  const told = [];
  for (let n = 0; n < wanted.length + SPARE && reached.size < wanted.length; n += 1) {
    await page.keyboard.press('Tab');
    keys += 1;
    const { at, wrong } = await page.evaluate(focused);
    if (at === null || reached.has(at)) continue;
    reached.add(at);
    for (const what of wrong) told.push(`${wanted[at]} ${what}`);
  }
  wanted.forEach((what, n) => reached.has(n) || told.push(`${what} is not reached`));
  looked += 1;
  faults += told.length;
  for (const line of told.slice(0, 8)) console.log(`${shown}: ${line}`);
});
// A part that is put in anew, because somebody else did something, leaves the key where it is.
{
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const [name, value] = cookie.split('=');
  await context.addCookies([{ name, value, url: base }, { name: 'balefire_lang', value: langs[1], url: base }]);
  const [mine, theirs] = [await context.newPage(), await context.newPage()];
  for (const page of [mine, theirs]) await page.goto(`${base}/incidents/${incident}/orders`, { waitUntil: 'load' });
  await mine.bringToFront();
  const link = mine.locator('#orders a', { hasText: 'My group' });
  await link.focus();
  const text = 'keep the disk as it is';
  await theirs.locator('form[action$="/do/issue-order"] textarea[name=text]').fill(text);
  await theirs.locator('form[action$="/do/issue-order"] button.primary').click();
  await mine.locator('#orders', { hasText: text }).waitFor({ timeout: 20000 });
  const at = await mine.evaluate(() => [document.activeElement.tagName, document.activeElement.textContent.trim()].join(' '));
  if (at !== 'A My group') {
    console.log(`after a live update the focus is at ${at.slice(0, 60)}`);
    faults += 1;
  }
  await context.close();
}
await browser.close();
console.log(`went through ${looked} pages with ${keys} keys, ${faults} faults`);
process.exit(faults === 0 && keys > looked && looked === LOOKS.length * pages.length ? 0 : 1);
