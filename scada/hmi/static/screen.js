// The station screen keeps itself true: it asks every two seconds, says when nobody answers, and goes on asking.
const EVERY_MS = 2000;
const PATIENCE_MS = 5000;
const LATE_MS = 10000; // a longer pause when the server asks for one or is away

const body = document.body;
const lost = document.querySelector("[data-screen-lost]");
let heard = Date.now();

function show(picture) {
  heard = Date.now();
  lost.hidden = true;
  body.classList.remove("lost");
  document.querySelector("[data-free]").textContent = picture.free;
  document.querySelector("[data-screen-clock]").textContent = picture.clock;
  const places = new Map([...document.querySelectorAll("[data-bay]")].map((one) => [one.dataset.bay, one]));
  if (picture.bays.length !== places.size || picture.bays.some((bay) => !places.has(String(bay.id)))) {
    location.reload(); // the site has been changed
    return;
  }
  for (const bay of picture.bays) {
    const place = places.get(String(bay.id));
    if (place.dataset.state !== bay.state) place.dataset.state = bay.state;
    for (const field of place.querySelectorAll("[data-field]")) {
      const text = bay[field.dataset.field] ?? "";
      if (field.textContent !== text) field.textContent = text;
    }
  }
}

function say() {
  lost.hidden = false;
  body.classList.add("lost");
  const since = new Date(heard).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  document.querySelector("[data-screen-since]").textContent = since;
}

async function ask() {
  let wait = EVERY_MS;
  try {
    const answer = await fetch(body.dataset.stateUrl, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) show(await answer.json());
    else {
      wait = LATE_MS;
      say();
    }
  } catch {
    say();
  }
  setTimeout(ask, wait);
}

setTimeout(ask, EVERY_MS);
