// The quick exit and the privacy cover. First the page is covered, then it is emptied, then the browser is elsewhere.

const $ = (id) => document.getElementById(id);

/** Calls back when Shift is pressed three times within two seconds with no other key between. */
export function onThreeShifts(target, act) {
  let times = [];
  target.addEventListener("keydown", (event) => {
    if (event.key !== "Shift" || event.repeat || event.ctrlKey || event.altKey || event.metaKey) {
      if (event.key !== "Shift") times = [];
      return;
    }
    times = [...times, event.timeStamp].filter((at) => event.timeStamp - at < 2000);
    if (times.length >= 3) act();
  }, true);
}

/** Covers and empties the page at once, before anything else is tried. */
export function cover() {
  const sheet = document.createElement("div");
  sheet.className = "gone";
  document.title = "\u200b";
  document.body.replaceChildren(sheet);
}

export function goTo(url) {
  // A page that the browser kept for its back button is shown empty.
  addEventListener("pageshow", () => location.replace(url));
  location.replace(url);
}

/**
 * After `minutes` without a key or a touch the conversation is covered; the crisis lines stay in sight. After four times
 * as long it is forgotten on this device, if it may() be. forget() empties the page, begin() starts anew where needed.
 */
export function idleLock(minutes, { forget, begin, may }) {
  let last = Date.now();
  let shut = false;
  const box = $("lock");
  const seen = () => { if (!shut) last = Date.now(); };
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) addEventListener(kind, seen, { capture: true, passive: true });
  const rest = [...document.body.children].filter((part) => part !== box && part.id !== "care");
  function set(on, since = Date.now()) {
    shut = on;
    box.hidden = !on;
    document.body.classList.toggle("locked", on);
    for (const part of rest) part.inert = on;
    last = since;
    if (on) {
      for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
      $("unlock").focus();
    }
  }
  const check = () => {
    const still = (Date.now() - last) / 60000;
    if (!shut && still >= minutes) set(true, last);
    if (shut && still >= 4 * minutes && may()) {
      last = Infinity;
      forget();
    }
  };
  setInterval(check, 5000);
  addEventListener("visibilitychange", check);
  $("unlock").addEventListener("click", () => { set(false); begin(); $("text").focus(); });
  $("forget").addEventListener("click", () => { set(false); forget(); begin(); });
}
