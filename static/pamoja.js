// Comfort on top of pages that work without it: keys, dialogs, toasts and a counter of seconds. No state is kept.
(() => {
  const find = (selector) => document.querySelector(selector)
  const on = (name, act) => document.addEventListener(name, act)
  const typing = (target) => target.closest("input, select, textarea, [contenteditable]")

  on("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return
    const search = find("#search")
    if (event.key.startsWith("Arrow") && search?.form.contains(event.target)) return moveAmongFound(event, search)
    if (event.key === "Escape") closeMenus()
    if (event.key === "Escape" && search?.form.contains(event.target)) return find("#found").replaceChildren()
    if (event.key === "Enter" && event.target === search) return openFirst(event, search)
    if (typing(event.target)) return
    if (event.key === "/" && search) { event.preventDefault(); search.select() }
    if (event.key === "?") find("#keys")?.showModal()
  })

  // htmx listens from its first timer on, and this one comes after it: what a fast typist wrote before is looked up now.
  setTimeout(() => {
    const search = find("#search")
    if (search?.value && search === document.activeElement) search.dispatchEvent(new Event("input", { bubbles: true }))
  })

  function moveAmongFound(event, search) {
    const stops = [search, ...search.form.querySelectorAll("#found a")]
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const next = step && stops[stops.indexOf(event.target) + step]
    if (next) { event.preventDefault(); next.focus() }
  }

  // Enter opens the first hit if what is shown is what was asked; otherwise the form is sent.
  function openFirst(event, search) {
    const found = find("#found .found")
    const first = found?.dataset.text === search.value.trim().replace(/\s+/g, " ") && found.querySelector("a")
    if (first) { event.preventDefault(); first.click() }
  }

  // A fragment that arrives in the dialog opens it; closing empties it, so that nothing in it asks any more.
  on("htmx:after:swap", (event) => {
    const dialog = find("#dialog")
    if (event.detail.ctx.target === dialog && dialog.firstElementChild && !dialog.open) dialog.showModal()
  })
  on("click", (event) => {
    const dialog = event.target.closest("dialog")
    if (dialog && event.target.closest("[data-close]")) { event.preventDefault(); dialog.close() }
    closeMenus(event.target)
  })
  document.addEventListener("close", (event) => event.target.id === "dialog" && event.target.replaceChildren(), true)

  function closeMenus(but) {
    for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(but)) menu.open = false
  }

  // A refusal is put above what was typed; the one before it goes.
  on("htmx:before:swap", (event) => {
    for (const old of event.detail.ctx.target?.querySelectorAll?.(":scope > .problem") ?? []) old.remove()
  })

  on("toast", (event) => toast(event.detail.texts))
  on("htmx:error", (event) => {
    if (event.detail.ctx && !event.detail.ctx.response) toast(["No answer from the server. Trying again is safe: nothing is done twice."])
  })

  function toast(texts) {
    const place = find("#toasts")
    if (!place) return
    for (const text of texts) place.append(Object.assign(document.createElement("p"), { textContent: text }))
    place.popover = "manual" // above a dialog
    place.hidePopover()
    place.showPopover()
    fade()
  }

  function fade() {
    for (const line of document.querySelectorAll("#toasts p:not([data-seen])")) {
      line.dataset.seen = ""
      setTimeout(() => line.remove(), 8000)
    }
  }

  // The server says how many seconds had passed; the browser's own clock may be wrong, so it only counts on.
  const shown = new WeakMap()
  setInterval(() => {
    for (const counter of document.querySelectorAll("[data-since]")) {
      if (!shown.has(counter)) shown.set(counter, performance.now())
      counter.textContent = `${+counter.dataset.since + Math.floor((performance.now() - shown.get(counter)) / 1000)} s`
    }
  }, 1000)
  fade()
})()
