// Balefire's one script: live parts, clocks, confirmations, keys. Every page works without it.
// It never writes HTML from text: fresh parts come parsed by the browser and are adopted whole.
'use strict';
(() => {
  const body = document.body;
  const skew = Date.parse(body.dataset.now || '') - Date.now() || 0;
  const now = () => Date.now() + skew;

  // Clocks: the server wrote the same text; here it goes on by itself.
  const two = (n) => String(n).padStart(2, '0');
  const clock = (seconds) => {
    const s = Math.max(0, Math.floor(seconds));
    const text = two(Math.floor((s % 86400) / 3600)) + ':' + two(Math.floor((s % 3600) / 60)) + ':' + two(s % 60);
    return s < 86400 ? text : Math.floor(s / 86400) + (body.dataset.day || 'd') + ' ' + text;
  };
  const runClocks = () => {
    for (const element of document.querySelectorAll('time[data-since]')) {
      element.textContent = clock((now() - Date.parse(element.dataset.since)) / 1000);
    }
    for (const element of document.querySelectorAll('time[data-until]')) {
      const left = (Date.parse(element.dataset.until) - now()) / 1000;
      element.classList.toggle('late', left < 0);
      element.classList.toggle('soon', left >= 0 && left < 900);
      element.textContent = (left < 0 ? (body.dataset.overdue || '') + ' ' : '') + clock(Math.abs(left));
    }
  };

  // Live parts: elements with data-live and an id are fetched again after a tick.
  const announce = (text) => {
    const place = document.getElementById('announce');
    if (place && text) place.textContent = text;
  };
  const changed = (field) => {
    if (field.type === 'checkbox' || field.type === 'radio') return field.checked !== field.defaultChecked;
    if (field.options) {
      const chosen = [...field.options].findIndex((option) => option.defaultSelected);
      return field.selectedIndex !== Math.max(0, chosen);
    }
    return field.value !== field.defaultValue;
  };
  const busy = (part) => {
    const active = document.activeElement;
    if (active && active !== document.body && part.contains(active) && active.matches('input, textarea, select')) return true;
    return [...part.querySelectorAll('input, textarea, select')].some(changed);
  };
  const bare = (part) => part.outerHTML.replace(/name="request" value="[^"]*"/g, '').replace(/<time class="tick[^<]*<\/time>/g, '').replace(/ ?data-(now|kept)="[^"]*"/g, '');
  const showButtons = () => { for (const button of document.querySelectorAll('[data-print][hidden], [data-copy][hidden]')) button.hidden = false; };
  // Whoever goes by keyboard stays where they are when a part is put in anew: on what is the same
  // there, and on the part itself where that is gone.
  const FOCUSABLE = 'a[href], button, summary, input:not([type=hidden]), select, textarea, [tabindex]';
  const nameOf = (e) => e.id || [e.tagName, e.getAttribute('href') || e.name || '', e.closest('form')?.getAttribute('action') || '', e.textContent.trim()].join('|');
  const alike = (part, name) => [part, ...part.querySelectorAll(FOCUSABLE)].filter((e) => nameOf(e) === name);
  const placeOf = (part, e) => ({ name: nameOf(e), n: alike(part, nameOf(e)).indexOf(e) });
  const focusAt = (part, { name, n }) => {
    const found = alike(part, name);
    const to = found[Math.min(n, found.length - 1)] ?? part;
    if (to === part && !part.hasAttribute('tabindex')) part.tabIndex = -1;
    to.focus({ preventScroll: true });
  };
  let behind = false;
  const swap = (fresh) => {
    behind = false;
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = fresh.getElementById(part.id);
      if (!next || bare(next) === bare(part)) continue;
      // What somebody types into is left alone, and comes when they are done.
      if (busy(part)) { behind = true; continue; }
      const open = [...part.querySelectorAll('details[open][id]')].map((d) => d.id);
      const held = part.contains(document.activeElement) ? placeOf(part, document.activeElement) : null;
      if (next.dataset.announce && next.dataset.announce !== part.dataset.announce) announce(next.dataset.announce);
      const adopted = document.adoptNode(next);
      part.replaceWith(adopted);
      for (const id of open) document.getElementById(id)?.setAttribute('open', '');
      if (held) focusAt(adopted, held);
    }
    runClocks();
    showButtons();
    document.dispatchEvent(new Event('balefire-fresh'));
  };
  // A page is fetched again at once after a tick; where fetching takes long, many do so, and it is
  // spaced out by what it takes.
  const LEAST_MS = 200, MOST_MS = 3000, TIMES = 4;
  let fetching = false, again = false, last = 0, took = 0;
  const refresh = () => {
    if (fetching || document.hidden) { again = true; return; }
    const wait = Math.min(MOST_MS, Math.max(LEAST_MS, TIMES * took)) - (Date.now() - last);
    if (wait > 0) { if (!again) { again = true; setTimeout(() => { again = false; refresh(); }, wait); } return; }
    fetching = true; again = false; last = Date.now();
    const url = new URL(location.href);
    url.searchParams.set('fragment', '1');
    url.searchParams.delete('done');
    const request = new XMLHttpRequest();
    request.open('GET', url);
    request.responseType = 'document';
    request.timeout = 15000;
    request.onloadend = () => {
      fetching = false;
      took = Date.now() - last;
      if (request.status === 200 && request.response && new URL(request.responseURL).pathname === location.pathname) swap(request.response);
      if (again) { again = false; refresh(); }
    };
    request.send();
  };
  document.addEventListener('focusout', () => setTimeout(() => { if (behind) refresh(); }, 0));
  const live = document.getElementById('live'), broken = document.getElementById('broken');
  const showLive = (on) => {
    if (!live) return;
    const text = live.querySelector('.live-text');
    live.hidden = false;
    if (broken) broken.hidden = on;
    live.classList.toggle('off', !on);
    text.textContent = on ? text.dataset.on : text.dataset.off;
  };
  if (body.dataset.events && document.querySelector('[data-live]')) {
    const stream = new EventSource(body.dataset.events);
    stream.addEventListener('open', () => showLive(true));
    stream.addEventListener('error', () => showLive(false));
    stream.addEventListener('tick', refresh);
    addEventListener('offline', () => showLive(false));
    document.addEventListener('visibilitychange', () => { if (!document.hidden && again) { again = false; refresh(); } });
    addEventListener('pagehide', () => stream.close());
  }

  // Confirmations.
  const dialog = document.getElementById('confirm');
  document.addEventListener('submit', (event) => {
    const form = event.target, button = event.submitter;
    const text = (button && button.dataset.confirm) || form.dataset.confirm;
    if (!text || form.dataset.sure || !dialog || !dialog.showModal) return;
    event.preventDefault();
    dialog.querySelector('#confirm-text').textContent = text;
    dialog.returnValue = 'no';
    dialog.addEventListener('close', () => {
      if (dialog.returnValue !== 'yes') return;
      form.dataset.sure = '1';
      form.requestSubmit(button || undefined);
    }, { once: true });
    dialog.showModal();
  });
  // A form that is on its way is not sent again by a second press; its request id would make it one act anyway.
  document.addEventListener('submit', (event) => {
    if (event.defaultPrevented || event.target.method !== 'post') return;
    for (const button of event.target.querySelectorAll('button')) setTimeout(() => { button.disabled = true; }, 0);
  });
  addEventListener('pageshow', () => { for (const button of document.querySelectorAll('button:disabled')) button.disabled = false; });

  // Menus close on a press elsewhere and on Escape.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll('details.menu[open]')) if (!except || !menu.contains(except)) menu.removeAttribute('open');
  };
  document.addEventListener('click', (event) => closeMenus(event.target));
  // Heard at the document, since live parts bring new buttons.
  showButtons();
  document.addEventListener('click', (event) => {
    const button = event.target.closest && event.target.closest('[data-print], [data-copy]');
    if (!button) return;
    if (button.dataset.copy === undefined) { print(); return; }
    const source = document.getElementById(button.dataset.copy);
    if (source) navigator.clipboard?.writeText(source.textContent.trim()).then(() => announce(button.dataset.copied));
  });

  // Keys; they can be switched off (WCAG 2.1.4).
  const off = document.getElementById('keys-off'), keys = document.getElementById('keys');
  const store = { get: () => { try { return localStorage.getItem('balefire-keys'); } catch { return null; } }, set: (v) => { try { localStorage.setItem('balefire-keys', v); } catch { /* private window */ } } };
  if (off) { off.checked = store.get() === 'off'; off.addEventListener('change', () => store.set(off.checked ? 'off' : 'on')); }
  const places = { b: '/', i: '/incidents', s: '/sources', e: '/evidence', o: '/outbox', p: '/plan', r: '/report' };
  let going = 0;
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') closeMenus();
    const field = event.target.closest && event.target.closest('input, textarea, select');
    if (field && (event.ctrlKey || event.metaKey) && event.key === 'Enter' && field.form) { event.preventDefault(); field.form.requestSubmit(); return; }
    if (field || event.ctrlKey || event.metaKey || event.altKey || (off && off.checked)) return;
    const place = event.key === '/' && document.querySelector('textarea[data-slash]');
    if (place) { event.preventDefault(); place.focus(); return; }
    if (event.key === '?' && keys && keys.showModal && !keys.open) { keys.showModal(); return; }
    if (event.key === 'g') { going = Date.now(); return; }
    if (Date.now() - going < 1500 && places[event.key]) { going = 0; location.href = places[event.key]; }
  });

  // On a phone navigation and tabs are wider than the screen: where the reader is shows first.
  for (const here of document.querySelectorAll('.side [aria-current], .tabs [aria-current]')) {
    const strip = here.closest('nav');
    strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
  }
  // The browser takes a link for seen that shows a sliver.
  for (const strip of document.querySelectorAll('nav.side, nav.tabs')) {
    strip.addEventListener('focusin', (event) => event.target.scrollIntoView({ block: 'nearest', inline: 'nearest' }));
  }
  runClocks();
  setInterval(runClocks, 1000);
})();
