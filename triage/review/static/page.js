// What makes the page smoother; everything works without it. It runs before anything is shown: no key falls between what
// somebody sees and what listens. So nothing of the page is there yet while it runs.
"use strict";

(() => {
  const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRF-Token"] = token();
  });

  // After a change the focus goes to what it led to: the field that an error is about, the error where it is about none, or
  // the heading of what was loaded. The page's settings let htmx settle at once (defaultSettleDelay), so that no key falls
  // between new words and their focus.
  const focusIn = (root) => {
    const wrong = root.querySelector('[aria-invalid="true"]');
    const target = (wrong?.matches("fieldset") ? wrong.querySelector("input") : wrong) ?? root.querySelector("[data-focus]");
    if (!target) return;
    if (target.tabIndex < 0 && !target.hasAttribute("tabindex")) target.setAttribute("tabindex", "-1");
    target.focus();
    // htmx goes to the top of the page after it has settled, which on a narrow or enlarged page leaves behind what was
    // opened: what has the focus is brought back into view once htmx is done, before any key.
    queueMicrotask(() => bring(target));
  };
  const bring = (target) => {
    const { top, bottom } = target.getBoundingClientRect();
    if (top >= 0 && bottom <= window.innerHeight) return;
    // At once: a key that falls into a gliding page would find its mark out of sight.
    target.scrollIntoView({ behavior: "instant", block: target.matches("h1, h2, h3") ? "start" : "center" });
  };
  // Whether somebody has before them what a button confirms: the mails of its step, not the button alone.
  const inView = (step) => {
    const { top, bottom } = step.getBoundingClientRect();
    const seen = Math.min(bottom, window.innerHeight) - Math.max(top, 0);
    return seen >= Math.min(bottom - top, window.innerHeight / 3);
  };
  document.addEventListener("DOMContentLoaded", () => focusIn(document));
  document.addEventListener("htmx:afterSettle", (event) => focusIn(event.detail.elt));

  // A form is sent once, however often the button is pressed; the browser's own "back" must find it usable again.
  document.addEventListener("submit", (event) => {
    if ("again" in event.target.dataset) return; // a file is saved and the page stays
    if (event.target.dataset.sent) event.preventDefault();
    else event.target.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // Single keys (WCAG 2.1.4): off, or changed, in the person's profile. Elements are marked with data-act.
  const pressed = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat) return;
    if (document.readyState === "loading") {
      // What the key is for may still be on its way.
      document.addEventListener("DOMContentLoaded", () => pressed(event), { once: true });
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    if (event.target.closest("input, textarea, select, [contenteditable]") && event.target.type !== "radio" && event.target.type !== "checkbox") return;
    const keys = JSON.parse(document.body.dataset.keys ?? "{}");
    const act = Object.keys(keys).find((one) => keys[one].toLowerCase() === event.key.toLowerCase());
    const target = act && [...document.querySelectorAll(`[data-act="${act}"]`)].find((one) => one.checkVisibility());
    if (!target) return;
    event.preventDefault();
    // No key sends what is out of sight: it goes there first.
    const step = act === "inoltra" ? target.closest(".passo") ?? target : target;
    if (act === "inoltra" && !inView(step)) {
      const heading = step.querySelector("h2") ?? target;
      heading.focus();
      bring(heading);
      return;
    }
    // Taking back is never one stray key: it goes to the button that says what, and Enter takes it back.
    if (act === "annulla" || target.matches("input:not([type=radio]):not([type=checkbox]), textarea, select")) target.focus();
    else {
      if (target.matches("summary")) target.focus(); // what it opens comes next
      target.click();
    }
  };
  document.addEventListener("keydown", pressed);

  // A refusal is a page too, which htmx would drop. Where a link led to it, and where it is the form with its mistakes, it
  // is shown. Else its words stand above the page that is there, so that nothing typed is lost; what another machine on
  // the way answered is told in words of our own.
  const say = (...parts) => {
    const box = document.createElement("div");
    box.className = "alert alert-danger";
    box.tabIndex = -1;
    box.append(...parts);
    document.getElementById("avvisi")?.replaceChildren(box);
    box.focus();
    for (const form of document.forms) delete form.dataset.sent;
  };
  const OF_OTHERS = {
    403: "Non è permesso. Chiedi a chi gestisce gli accessi.",
    409: "Nel frattempo è cambiato qualcosa: ricarica la pagina e guarda com'è adesso.",
    422: "Un campo è vuoto o non è valido: controlla e riprova.",
    429: "Troppe richieste in poco tempo. Aspetta un minuto e riprova.",
    503: "Il servizio adesso non risponde e nessun messaggio è andato perso. Riprova tra poco.",
  };
  const told = (xhr) => {
    const answer = new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector("[data-rifiuto]");
    if (!answer) return [OF_OTHERS[xhr.status] ?? "Qualcosa non ha funzionato e nessun messaggio è andato perso. Riprova tra poco."];
    const link = answer.querySelector("a[data-guarda]");
    const text = `${answer.querySelector("h1").textContent}. ${answer.querySelector("p").textContent}`;
    return link ? [text, " ", document.importNode(link, true)] : [text];
  };
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status < 400) return;
    const typed = event.detail.requestConfig.verb !== "get" && xhr.responseText.includes("data-rifiuto");
    event.detail.shouldSwap = xhr.responseText.includes('id="contenuto"') && !typed;
    event.detail.isError = false;
    if (!event.detail.shouldSwap) say(...told(xhr));
  });
  const OUT_OF_REACH = "La pagina non raggiunge il servizio. Controlla la rete e riprova. Se stavi confermando qualcosa, guarda prima se è già stato fatto: quello che hai scritto è ancora qui.";
  for (const trouble of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(trouble, () => say(OUT_OF_REACH));

  // Links to a dialog open it where it is on the page.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-dialog]");
    const dialog = link && document.getElementById(link.dataset.dialog);
    if (!dialog?.showModal) return;
    event.preventDefault();
    dialog.showModal();
  });

  // How long something can still be undone, in words, every few seconds; then the offer goes away.
  const ends = new WeakMap();
  const counted = (number, one, many) => `${number} ${number === 1 ? one : many}`;
  const countDown = () => {
    for (const banner of document.querySelectorAll("[data-seconds]")) {
      if (!ends.has(banner)) ends.set(banner, performance.now() + 1000 * Number(banner.dataset.seconds));
      const left = Math.floor((ends.get(banner) - performance.now()) / 1000);
      if (left <= 0) {
        // Whoever stands on the button is not thrown to the top of the page.
        const folded = banner.closest("details");
        const over = folded?.querySelectorAll("[data-seconds]").length === 1 ? folded : banner;
        if (over.contains(document.activeElement)) document.getElementById("contenuto")?.focus();
        over.remove();
        continue;
      }
      const words = [];
      if (left >= 60) words.push(counted(Math.floor(left / 60), "minuto", "minuti"));
      if (left % 60 || left < 60) words.push(counted(left % 60, "secondo", "secondi"));
      banner.querySelector("[data-left]").textContent = ` (ancora ${words.join(" e ")})`;
    }
  };
  document.addEventListener("DOMContentLoaded", countDown);
  setInterval(countDown, 5000);

  // A message stays marked as open in front of somebody while its page is.
  setInterval(() => {
    const page = document.querySelector("[data-open]");
    if (page && document.visibilityState === "visible") {
      fetch(page.dataset.open, { method: "POST", headers: { "X-CSRF-Token": token() } }).catch(() => {});
    }
  }, 240000);
})();
