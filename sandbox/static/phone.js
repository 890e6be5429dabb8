// Keeps the page true without a reload: asks once a second for the parts that change, and swaps those that did.
"use strict";
let seen = "";

function busyTyping(part) {
  const active = document.activeElement;
  return part.contains(active) && active.matches("input") && active.value !== "";
}

function swap(fresh) {
  const part = document.getElementById(fresh.id);
  if (!part || part.outerHTML === fresh.outerHTML) return;
  // A PIN that is half typed stays, as long as its prompt is still the one on the screen.
  if (busyTyping(part) && part.dataset.prompt === fresh.dataset.prompt) return;
  part.replaceWith(fresh);
  const first = fresh.querySelector("[autofocus]");
  if (first && (document.activeElement === document.body || !document.activeElement)) first.focus();
}

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(document.body.dataset.live, { headers: { "If-None-Match": seen }, cache: "no-store" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        [...page.body.children].forEach(swap);
        seen = answer.headers.get("ETag") || "";
      }
    } catch { /* the sandbox is being restarted; the next look finds it again */ }
  }
  setTimeout(look, 1000);
}

document.addEventListener("visibilitychange", () => { seen = ""; });
look();
