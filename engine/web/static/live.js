// Keeps a page fresh: fetches it again, puts in the parts that changed, and says how long ago things were.
// Everything works without it; a reload does the same.
"use strict";

const EVERY = 2000;
const shown = new Map();

document.addEventListener("toggle", (event) => {
  if (event.target.id) shown.set(event.target.id, event.target.open);
}, true);

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

function ago(then, now) {
  const distance = now - then;
  const size = Math.abs(distance);
  if (size < 5000) return "just now";
  for (const [unit, name] of [[86400000, "d"], [3600000, "h"], [60000, "min"], [1000, "s"]]) {
    if (size >= unit) {
      return distance > 0 ? `${Math.floor(size / unit)} ${name} ago` : `in ${Math.round(size / unit)} ${name}`;
    }
  }
}

function tick() {
  const now = Date.now();
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = ago(Date.parse(time.dateTime), now);
  }
}

function busy(region) {
  return region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, button");
}

function swap(fresh) {
  for (const region of document.querySelectorAll("[data-region]")) {
    const other = fresh.querySelector(`[data-region="${region.dataset.region}"]`);
    if (!other || region.dataset.was === other.innerHTML || busy(region)) continue;
    const scrolled = [...region.querySelectorAll("[data-scrolls]")].map((box) => box.scrollLeft);
    const was = other.innerHTML;
    region.replaceChildren(...other.childNodes);
    region.dataset.was = was;
    region.querySelectorAll("[data-scrolls]").forEach((box, index) => { box.scrollLeft = scrolled[index] || 0; });
    for (const details of region.querySelectorAll("details[id]")) {
      if (shown.has(details.id)) details.open = shown.get(details.id);
    }
  }
  document.body.toggleAttribute("data-live", fresh.body.hasAttribute("data-live"));
}

async function refresh() {
  if (document.hidden || !document.body.hasAttribute("data-live")) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
    if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The server is away for a moment: what is shown stays, the next round tries again.
  }
  tick();
}

async function loop() {
  await refresh();
  setTimeout(loop, EVERY);
}

for (const current of document.querySelectorAll(".top nav [aria-current], .tabs [aria-current]")) {
  current.scrollIntoView({ inline: "center", block: "nearest" });
}
setTimeout(loop, EVERY);
setInterval(tick, 10000);
document.addEventListener("visibilitychange", refresh);
