"use strict";
// Everything that comes out of a log is text: it is set by textContent, and never becomes markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { strings, columns, policy } = data;
  const size = columns.time.length;
  const facets = [["function", "Functions"], ["type", "Kinds"], ["effect", "Effects"], ["rule", "Rules"], ["attack", "Reasons"], ["process", "Acting programs"], ["target", "Targets"]];
  const state = { text: "", chosen: {}, place: null, from: null, to: null, far: null };
  let shown = new Uint32Array(0), current = 0;
  const $ = (id) => document.getElementById(id);
  const make = (tag, text, name) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (name) e.className = name; return e; };
  const count = (n, one, many) => n.toLocaleString("en") + " " + (n === 1 ? one : many);
  const moment = (ms) => ms === null ? "" : new Date(ms).toISOString().replace("T", " ").slice(0, 19);
  const of = (column, row) => strings[columns[column][row]];
  const label = (text) => text === "" ? "(none)" : text.trim() === "" ? "(blank)" : text;

  function filter() {
    const words = state.text.toLowerCase();
    let hit = null;
    if (words) {
      hit = new Uint8Array(strings.length);
      for (let i = 0; i < strings.length; i++) if (strings[i].toLowerCase().includes(words)) hit[i] = 1;
    }
    const chosen = Object.entries(state.chosen);
    const found = new Uint32Array(size);
    let n = 0;
    next: for (let row = 0; row < size; row++) {
      for (const [column, value] of chosen) if (columns[column][row] !== value) continue next;
      if (state.place !== null && columns.place[row] !== state.place) continue;
      if (state.from !== null) { const t = columns.time[row]; if (t === null || t < state.from || t >= state.to) continue; }
      if (hit && !(hit[columns.message[row]] || hit[columns.target[row]] || hit[columns.command[row]] || hit[columns.attack[row]] || hit[columns.function[row]] || hit[columns.process[row]] || hit[columns.rule[row]])) continue;
      found[n++] = row;
    }
    shown = found.subarray(0, n);
    current = 0;
  }

  function drawTotals() {
    let events = 0, first = Infinity, last = -Infinity;
    for (const row of shown) { events += columns.count[row]; const t = columns.time[row]; if (t !== null) { if (t < first) first = t; if (t > last) last = t; } }
    let text = count(shown.length, "audit", "audits") + ", " + count(events, "event", "events");
    if (first <= last) text += ", " + moment(first) + " to " + moment(last) + " UTC";
    if (data.beyond) text += ". " + count(data.beyond, "further audit was", "further audits were") + " too many for this page";
    $("totals").textContent = text;
  }

  // Bars are as long as the longest at most. Those that say that they stand for millions, and more than a hundred times as much as any other, are cut, or they
  // would leave nothing of these: gives the longest of the others, and how many are cut.
  function scale(sums) {
    const sorted = sums.slice().sort((a, b) => b - a);
    let cut = 0;
    sorted.forEach((sum, i) => { if (sum > 1e6 && sorted[i + 1] > 0 && sum > 100 * sorted[i + 1]) cut = i + 1; });
    return [Math.max(1, sorted[cut] || 0), cut];
  }
  // A number that is too long to be read at a glance, and would leave no room for what it is about, is rounded.
  const short = (n) => n.toLocaleString("en", n > 99999 ? { notation: "compact" } : {});

  function drawTime() {
    let first = Infinity, last = -Infinity;
    for (let row = 0; row < size; row++) { const t = columns.time[row]; if (t !== null) { if (t < first) first = t; if (t > last) last = t; } }
    const box = $("timeline");
    const keep = box.contains(document.activeElement) ? [...box.children].indexOf(document.activeElement) : -1;
    box.replaceChildren();
    if (first > last) return;
    const number = window.innerWidth < 700 ? 40 : 96;
    const [begin, end] = data.shown || [first, last];
    const step = Math.max(1000, Math.ceil((end - begin + 1) / number));
    // What is far from all else has a bar at either side, or the rest would be one.
    const parts = Array.from({ length: Math.floor((end - begin) / step) + 1 }, (_, i) => ({ from: begin + i * step, to: begin + (i + 1) * step, sums: [0, 0, 0] }));
    const inside = parts.length, beyond = begin + inside * step;
    const before = { from: -Infinity, to: begin, far: "before " + moment(begin), sums: [0, 0, 0] };
    const after = { from: beyond, to: Infinity, far: "after " + moment(beyond), sums: [0, 0, 0] };
    const kinds = strings.map((s) => s === "prevent" ? 0 : s === "alert" ? 1 : 2);
    for (const row of shown) {
      const t = columns.time[row];
      if (t === null) continue;
      const part = t < begin ? before : t >= beyond ? after : parts[Math.floor((t - begin) / step)];
      part.sums[kinds[columns.effect[row]]] += columns.count[row];
    }
    if (first < begin) parts.unshift(before);
    if (last >= beyond) parts.push(after);
    const sum = (part) => part.sums[0] + part.sums[1] + part.sums[2];
    const [most, cut] = scale(parts.filter((part) => !part.far).map(sum));
    parts.forEach((part, i) => {
      const total = sum(part), whole = Math.max(most, total);
      const bar = make("button", undefined, part.far ? "far" : undefined);
      bar.type = "button";
      bar.title = (part.far || moment(part.from)) + ": " + count(total, "event", "events");
      bar.setAttribute("aria-label", bar.title);
      bar.setAttribute("aria-pressed", state.from === part.from);
      for (const [k, name] of [[2, "other"], [1, "alert"], [0, "prevent"]]) if (part.sums[k]) { const piece = make("span", "", name); piece.style.height = Math.max(1, 100 * part.sums[k] / whole) + "%"; bar.append(piece); }
      bar.tabIndex = i === 0 ? 0 : -1;
      bar.onclick = () => { if (state.from === part.from) { state.from = state.to = null; } else { state.from = part.from; state.to = part.to; state.far = part.far; } update(); };
      box.append(bar);
    });
    const notes = [];
    if (parts.length > inside) notes.push("Audits of a time far from all others, forged or of a clock that was wrong, have a bar of their own at the side.");
    if (cut) notes.push("What is highest is cut: it says that it stands for more than a hundred times as much as any other.");
    $("far").hidden = !notes.length;
    $("far").textContent = notes.join(" ");
    $("from").textContent = moment(begin);
    $("to").textContent = moment(Math.min(end, beyond));
    if (keep >= 0 && box.children[keep]) box.children[keep].focus();
  }

  function drawFacets() {
    const box = $("facets");
    const focus = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
    box.replaceChildren();
    for (const [column, title] of facets) {
      const sums = new Map();
      const values = columns[column];
      for (const row of shown) sums.set(values[row], (sums.get(values[row]) || 0) + columns.count[row]);
      const rows = [...sums].sort((a, b) => b[1] - a[1]);
      const card = make("section", undefined, "card bars");
      card.append(make("h2", title));
      const [most, cut] = scale(rows.map((row) => row[1]));
      // However many say that they stand for millions, most of the places are for the others.
      const seen = rows.slice(0, Math.min(cut, 2)).concat(rows.slice(cut)).slice(0, 8);
      for (const [value, sum] of seen) card.append(bar(label(strings[value]), sum, most, state.chosen[column] === value, column + value, () => {
        if (state.chosen[column] === value) delete state.chosen[column]; else state.chosen[column] = value;
        update();
      }));
      if (cut) card.append(make("small", "What is longest is cut: it says that it stands for more than a hundred times as much as any other."));
      if (rows.length > seen.length) card.append(make("small", "and " + (rows.length - seen.length).toLocaleString("en") + " more; search finds them"));
      box.append(card);
    }
    if (focus) { const again = document.querySelector('[data-key="' + CSS.escape(focus) + '"]'); if (again) again.focus(); }
  }

  function bar(text, sum, most, pressed, key, act) {
    const button = make("button");
    button.type = "button";
    button.dataset.key = key;
    button.setAttribute("aria-pressed", pressed);
    button.title = text + ": " + count(sum, "event", "events");
    const fill = make("i");
    fill.style.width = Math.min(100, 100 * sum / most) + "%";
    button.append(fill, make("b", text), make("em", short(sum)));
    button.onclick = act;
    return button;
  }

  function drawPolicy() {
    if (!policy) return;
    $("policy").hidden = false;
    const box = $("entries"), only = $("unfired").checked;
    const focus = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
    const sums = new Map();
    for (const row of shown) sums.set(columns.place[row], (sums.get(columns.place[row]) || 0) + columns.count[row]);
    box.replaceChildren();
    const [most] = scale(policy.map((_, i) => sums.get(i) || 0));
    let rule = null, section = null;
    policy.forEach((entry, i) => {
      const sum = sums.get(i) || 0;
      if (only && sum) return;
      if (entry.rule !== rule) { rule = entry.rule; section = make("div", undefined, "bars"); box.append(make("h3", rule), section); }
      const button = bar(entry.place + " \u2014 " + entry.text, sum, most, state.place === i, "place" + i, () => { state.place = state.place === i ? null : i; update(); });
      if (!sum) button.classList.add("never");
      section.append(button);
    });
    if (focus && focus.startsWith("place")) { const again = box.querySelector('[data-key="' + CSS.escape(focus) + '"]'); if (again) again.focus(); }
  }

  function drawChips() {
    const box = $("chips");
    box.replaceChildren();
    const chip = (text, drop) => { const b = make("button", text + " ×"); b.type = "button"; b.setAttribute("aria-label", "Remove filter " + text); b.onclick = () => { drop(); update(); $("search").focus(); }; box.append(b); };
    for (const [column, value] of Object.entries(state.chosen)) chip(column + ": " + label(strings[value]), () => delete state.chosen[column]);
    if (state.place !== null) chip("entry: " + policy[state.place].place, () => { state.place = null; });
    if (state.from !== null) chip(state.far || moment(state.from) + " to " + moment(state.to), () => { state.from = state.to = null; });
    $("clear").hidden = !(box.children.length || state.text);
  }

  // Only the rows that can be seen are in the document, however many there are.
  const list = $("list"), space = $("space");
  // On paper nobody scrolls: it has the first of them, and says how many there are.
  const PRINTED = 500;
  let height = 44, printing = false;
  function drawList() {
    height = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize);
    space.style.height = shown.length * height + "px";
    $("nothing").hidden = shown.length > 0;
    list.hidden = shown.length === 0;
    $("nothing").textContent = size ? "No audits match the filters." : "No audits: nothing was refused or reported.";
    drawRows();
  }
  function drawRows() {
    const first = printing ? 0 : Math.max(0, Math.floor(list.scrollTop / height) - 8);
    const last = Math.min(shown.length, printing ? PRINTED : Math.ceil((list.scrollTop + list.clientHeight) / height) + 8);
    const rows = [];
    for (let i = first; i < last; i++) {
      const row = shown[i], effect = of("effect", row);
      const e = make("div", undefined, "row");
      e.id = "row" + i;
      e.setAttribute("role", "option");
      e.setAttribute("aria-selected", i === current);
      e.setAttribute("aria-setsize", shown.length);
      e.setAttribute("aria-posinset", i + 1);
      e.style.top = i * height + "px";
      e.append(make("time", moment(columns.time[row]) || "(no time)"), make("span", effect || "notice", "is-" + (effect === "prevent" || effect === "alert" ? effect : "other")), make("span", of("function", row), "who"), make("span", label(of("message", row) || of("target", row) || of("attack", row)), "what"), make("span", columns.count[row] > 1 ? "×" + short(columns.count[row]) : "", "times"));
      e.onclick = () => { select(i); detail(); };
      rows.push(e);
    }
    space.replaceChildren(...rows);
    if (shown.length) list.setAttribute("aria-activedescendant", "row" + current); else list.removeAttribute("aria-activedescendant");
  }
  function select(i) {
    current = Math.max(0, Math.min(shown.length - 1, i));
    const top = current * height;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
    drawRows();
  }
  function detail() {
    const box = $("detail");
    box.replaceChildren();
    if (!shown.length) return;
    const row = shown[current], terms = make("dl");
    const add = (name, text) => { if (text !== "" && text !== undefined && text !== null) terms.append(make("dt", name), make("dd", String(text))); };
    add("time", of("timestamp", row));
    for (const name of ["message", "type", "effect", "attack", "rule", "function", "region", "process", "target", "command", "access", "techniques"]) add(name, of(name, row));
    add("process id", columns.pid[row]);
    add("count", columns.count[row]);
    if (policy && columns.place[row] >= 0) add("entry", policy[columns.place[row]].place + "  " + policy[columns.place[row]].text);
    box.append(terms);
    box.scrollIntoView({ block: "nearest" });
  }
  list.addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
  list.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / height) - 1);
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (move !== undefined) { event.preventDefault(); select(move === Infinity ? shown.length - 1 : move === -Infinity ? 0 : current + move); }
    else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); detail(); }
  });
  $("timeline").addEventListener("keydown", (event) => {
    const bars = [...$("timeline").children], at = bars.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: bars.length - 1 }[event.key];
    if (to === undefined || !bars[to]) return;
    event.preventDefault();
    bars[at].tabIndex = -1; bars[to].tabIndex = 0; bars[to].focus();
  });

  function update() {
    filter();
    drawTotals(); drawTime(); drawFacets(); drawPolicy(); drawChips();
    list.scrollTop = 0;
    drawList();
    $("detail").replaceChildren();
  }
  let timer = 0;
  $("search").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => { state.text = $("search").value; update(); }, 120); });
  $("unfired").addEventListener("change", drawPolicy);
  $("clear").onclick = () => { state.text = $("search").value = ""; state.chosen = {}; state.place = state.from = state.to = null; update(); $("search").focus(); };
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== $("search")) { event.preventDefault(); $("search").focus(); }
    else if (event.key === "Escape" && !$("clear").hidden) $("clear").onclick();
  });
  for (const [event, on] of [["beforeprint", true], ["afterprint", false]]) window.addEventListener(event, () => {
    printing = on;
    $("printed").textContent = on && shown.length > PRINTED ? "The first " + PRINTED.toLocaleString("en") + " of " + shown.length.toLocaleString("en") + "." : "";
    drawRows();
  });
  window.addEventListener("resize", () => { drawTime(); drawList(); });
  $("time").hidden = $("facets").hidden = size === 0;
  update();
  document.documentElement.dataset.ready = Math.round(performance.now());
})();
