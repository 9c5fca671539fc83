// What makes the pages comfortable. Everything works without it.
//
// It is our own and not a library: it asks for the page itself again and
// changes only what differs, so that focus, typed text, open details and the
// scroll position survive an update, and the server has one way to draw a page.
'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const body = document.body;

  // ---- times: said anew while the page stays open, in the person's zone on hover
  const span = s => s < 10 ? '' : s < 90 ? Math.floor(s) + ' s' : s < 5400 ? Math.floor(s / 60 + .5) + ' min'
    : s < 129600 ? Math.floor(s / 3600 + .5) + ' h' : s < 5184000 ? count(Math.floor(s / 86400 + .5), 'day')
    : count(Math.floor(s / 86400 / 30.44 + .5), 'month');
  const count = (n, word) => n + ' ' + word + (n === 1 ? '' : 's');
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
  function times() {
    for (const t of all('time')) {
      const at = new Date(t.dateTime), far = (at - Date.now()) / 1000, text = span(Math.abs(far));
      if (!t.title.includes(' · ')) t.title = full.format(at) + ' · ' + t.title;
      if ('fixed' in t.dataset) continue;
      const said = 'for' in t.dataset ? 'for ' + (text || 'a moment') : text === '' ? 'just now' : far < 0 ? text + ' ago' : 'in ' + text;
      if (t.textContent !== said) t.textContent = said;
    }
  }

  // ---- code to paste
  function copies() {
    for (const pre of all('pre[data-copy]')) {
      if (pre.nextElementSibling?.matches('.copy')) continue;
      const b = document.createElement('button');
      b.type = 'button'; b.className = 'copy small quiet'; b.dataset.own = ''; b.textContent = 'Copy';
      b.setAttribute('aria-label', 'Copy: ' + (pre.getAttribute('aria-label') || 'code'));
      b.addEventListener('click', async () => {
        try { await navigator.clipboard.writeText(pre.textContent); b.textContent = 'Copied'; }
        catch { getSelection().selectAllChildren(pre); b.textContent = 'Press Ctrl+C'; }
        said(b.textContent); setTimeout(() => { b.textContent = 'Copy'; }, 2000);
      });
      pre.after(b);
    }
  }

  function said(text) { const s = document.getElementById('said'); if (s && s.textContent !== text) s.textContent = text; }

  // ---- the connector's form: fields that show by a choice, instructions that follow
  const form = document.getElementById('authorize');
  const valueOf = name => {
    const e = form.elements['f.' + name]; if (!e) return '';
    const last = e.tagName ? e : e[e.length - 1];
    return last.type === 'checkbox' ? String(last.checked) : last.value;
  };
  function shows() {
    for (const f of all('[data-show]', form)) {
      f.hidden = !f.dataset.values.split(' ').includes(valueOf(f.dataset.show)) || !!fieldOf(f.dataset.show)?.hidden;
      for (const c of all('input,select,textarea', f)) c.disabled = f.hidden;
    }
    for (const g of all('[data-group]', form)) { const box = g.closest('details') || g; box.hidden = all('.field', g).every(f => f.hidden); }
  }
  const fieldOf = name => document.getElementById('f-' + name)?.closest('.field');
  let guiding;
  function guide() {
    const box = document.getElementById('guide'); if (!box) return;
    clearTimeout(guiding);
    guiding = setTimeout(async () => {
      const data = new URLSearchParams();
      for (const e of form.elements) // secrets never leave the page for this
        if (e.name && !e.disabled && !('secret' in e.dataset) && e.type !== 'password' && (e.type !== 'checkbox' || e.checked)) data.append(e.name, e.value);
      try {
        const r = await fetch(form.dataset.guide, { method: 'POST', body: data });
        if (!r.ok) return;
        const doc = new DOMParser().parseFromString('<div>' + await r.text() + '</div>', 'text/html');
        children(box, doc.body.firstChild); copies();
      } catch { /* the next change tries again */ }
    }, 350);
  }
  if (form) {
    shows(); form.addEventListener('input', guide); form.addEventListener('change', () => { shows(); guide(); });
    form.addEventListener('submit', e => {
      const b = e.submitter; if (!b || form.dataset.sent) return;
      form.dataset.sent = '1'; setTimeout(() => { b.setAttribute('aria-busy', 'true'); }, 0);
      setTimeout(() => { delete form.dataset.sent; b.removeAttribute('aria-busy'); }, 5000);
    });
  }
  const problems = document.querySelector('[data-focus]');
  if (problems) problems.focus();
  document.addEventListener('click', e => { // an error's link opens what hides its field
    const a = e.target.closest('.summary a[href^="#"]'); if (!a) return;
    const f = document.getElementById(a.hash.slice(1)); if (!f) return;
    e.preventDefault(); f.closest('details')?.setAttribute('open', '');
    if (e.detail > 0) { f.focus(); return; }
    // By keyboard: wait for the key to come up, or the same Enter would submit the form.
    const wait = new AbortController(), go = () => { wait.abort(); f.focus(); }, late = setTimeout(go, 400);
    document.addEventListener('keyup', () => { clearTimeout(late); go(); }, { signal: wait.signal });
  });

  // ---- live pages
  function morph(a, b) {
    if (a.nodeType !== 1) { if (a.data !== b.data) a.data = b.data; return; }
    if (a.isEqualNode(b)) return;
    if (a.matches('form.form') && !a.closest('[hidden]')) return; // somebody may be typing
    const typed = /^(INPUT|TEXTAREA|SELECT|OPTION)$/.test(a.tagName);
    for (const { name, value } of [...b.attributes])
      if (!(typed && /^(value|checked|selected)$/.test(name)) && name !== 'open' && a.getAttribute(name) !== value) a.setAttribute(name, value);
    for (const { name } of [...a.attributes])
      if (!b.hasAttribute(name) && !/^(open|value|checked|selected|disabled|tabindex|aria-busy)$/.test(name)) a.removeAttribute(name);
    if (!typed) children(a, b);
  }
  const own = n => n && n.nodeType === 1 && 'own' in n.dataset;
  const keyOf = n => n && n.nodeType === 1 ? n.dataset.key : undefined;
  const after = n => { do n = n && n.nextSibling; while (own(n)); return n; };
  function children(a, b) {
    const keyed = new Map();
    for (const n of a.childNodes) if (keyOf(n)) keyed.set(keyOf(n), n);
    let at = a.firstChild; if (own(at)) at = after(at);
    for (const nb of [...b.childNodes]) {
      const key = keyOf(nb), known = key && keyed.get(key);
      if (known) {
        keyed.delete(key);
        if (known === at) at = after(at); else a.insertBefore(known, at);
        morph(known, nb);
      } else if (at && !key && !keyOf(at) && at.nodeType === nb.nodeType && at.nodeName === nb.nodeName) {
        const n = at; at = after(at); morph(n, nb);
      } else a.insertBefore(document.importNode(nb, true), at);
    }
    while (at) { const n = at; at = after(at); n.remove(); }
    for (const n of keyed.values()) if (n.parentNode === a) n.remove();
  }
  let last = 0, timer;
  async function refresh() {
    timer = undefined; last = Date.now();
    try {
      const r = await fetch(location.href);
      if (r.redirected && new URL(r.url).pathname === '/sign-in') { location.reload(); return; }
      if (r.status >= 500) throw new Error(r.statusText);
      const doc = new DOMParser().parseFromString(await r.text(), 'text/html');
      const focused = document.activeElement, old = document.querySelector('main h2')?.textContent;
      morph(document.getElementById('main'), doc.getElementById('main'));
      document.title = doc.title;
      if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
      const now = document.querySelector('main h2')?.textContent;
      if (now && now !== old) said(now);
      times(); copies(); offline(false);
      body.dataset.fresh = String(Date.now());
    } catch { offline(true); }
  }
  function ask() {
    if (document.hidden) return;
    if (timer !== undefined) return;
    timer = setTimeout(refresh, Math.max(0, last + 600 - Date.now()));
  }
  function offline(is) { const o = document.getElementById('offline'); if (o) o.hidden = !is; }

  let source;
  function listen() {
    if (source || document.hidden || !body.dataset.live) return;
    const q = new URLSearchParams({ of: body.dataset.live });
    if (body.dataset.watch) q.set('attempt', body.dataset.watch);
    const s = source = new EventSource('/live?' + q);
    s.addEventListener('hello', ask);   // what changed while nobody listened
    s.addEventListener('changed', ask);
    s.onerror = () => {
      if (s !== source) return;
      offline(true);
      if (s.readyState === EventSource.CLOSED) { source = undefined; setTimeout(listen, 3000); } // else it tries again itself
    };
    s.onopen = () => offline(false);
  }
  // A hidden tab lets go of its connection: browsers allow only six to a host.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) { source?.close(); source = undefined; } else listen();
  });

  times(); copies(); listen();
  setInterval(times, 15000);
})();
