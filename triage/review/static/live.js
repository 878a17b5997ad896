// What arrives while the page is open: the number in the title and in the menu, a spoken line, a notice of the browser.
// One tab holds the connection and tells the others; without JavaScript every page shows the numbers when it is loaded.
"use strict";

(() => {
  if (!document.body.dataset.events) return;
  const LEFT_OFF = "avvisi-spenti";
  const counted = (number) => (number === 1 ? "1 messaggio aspetta" : `${number} messaggi aspettano`);
  let last = null;

  const heard = document.getElementById("novita");
  const setTitle = (number) => {
    const bare = document.title.replace(/^\(\d+\) /, "");
    document.title = number ? `(${number}) ${bare}` : bare;
  };
  const setBadge = (number) => {
    const link = document.querySelector('#menu a[href="/da-decidere"]');
    if (!link) return;
    let badge = link.querySelector(".badge");
    if (!number) {
      badge?.remove();
      return;
    }
    if (!badge) {
      badge = document.createElement("span");
      badge.className = "badge bg-white text-primary";
      link.append(" ", badge);
    }
    const words = document.createElement("span");
    words.className = "visually-hidden";
    words.textContent = number === 1 ? " aspetta" : " aspettano";
    badge.replaceChildren(String(number), words);
  };

  const wanted = () => "Notification" in window && Notification.permission === "granted" && !localStorage.getItem(LEFT_OFF);
  const show = (text) => {
    if (heard) heard.textContent = text;
    if (wanted() && document.visibilityState === "hidden") {
      const notice = new Notification("Smistamento della posta", { body: text, tag: "da-decidere", lang: "it" });
      notice.addEventListener("click", () => window.focus());
    }
  };

  const take = (now) => {
    setTitle(now.count);
    setBadge(now.count);
    if (last) {
      if (now.danger > last.danger) show(`Da leggere oggi: possibile pericolo. ${counted(now.count)}.`);
      else if (now.newest > last.newest || now.count > last.count) show(`Novità da decidere: ${counted(now.count)}.`);
    }
    last = now;
  };
  // An act's answer brings the title and menu of its own moment, which is newer than what was told before it.
  document.addEventListener("htmx:afterSettle", () => {
    if (last) last.count = Number(document.querySelector('#menu a[href="/da-decidere"] .badge')?.firstChild.data ?? 0);
  });

  const channel = "BroadcastChannel" in window ? new BroadcastChannel("smistamento") : null;
  // A colleague has opened the message that is open here: its page says who, and keeps what is being written.
  const said = new Set();
  const openedBeside = (messages) => {
    const page = document.querySelector("[data-open]");
    const number = Number(page?.dataset.open.split("/").pop());
    for (const one of said) if (!messages.includes(one)) said.delete(one);
    const stato = document.getElementById("stato");
    if (!stato || !messages.includes(number) || said.has(number) || stato.contains(document.activeElement)) return;
    said.add(number);
    if (stato.querySelector("[data-others]")) return;
    htmx.ajax("GET", `/messaggi/${number}`, { target: "#stato", select: "#stato", swap: "outerHTML" });
    if (heard) heard.textContent = "Un collega ha aperto questo messaggio.";
  };
  const hear = (now) => (now.messages ? openedBeside(now.messages) : take(now));
  channel?.addEventListener("message", (event) => hear(event.data));
  const listen = () => new Promise((done) => {
    const source = new EventSource(document.body.dataset.events);
    source.addEventListener("message", (event) => {
      const now = JSON.parse(event.data);
      take(now);
      channel?.postMessage(now);
    });
    source.addEventListener("anche", (event) => {
      const now = JSON.parse(event.data);
      hear(now);
      channel?.postMessage(now);
    });
    source.addEventListener("fine", () => { source.close(); done(); });
    source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) done(); });
  });
  if (navigator.locks && channel) navigator.locks.request("smistamento-eventi", listen);
  else listen();

  // The browser's own notices: asked for only when somebody presses the button, and off by the same.
  const button = document.getElementById("avvisi-browser");
  if (!button || !("Notification" in window) || Notification.permission === "denied") return;
  const word = () => { button.textContent = wanted() ? "Spegni gli avvisi del browser" : "Accendi gli avvisi del browser"; };
  button.hidden = false;
  word();
  button.addEventListener("click", async () => {
    if (wanted()) localStorage.setItem(LEFT_OFF, "1");
    else {
      localStorage.removeItem(LEFT_OFF);
      if (Notification.permission === "default") await Notification.requestPermission();
    }
    word();
    if (heard) heard.textContent = wanted() ? "Avvisi del browser accesi." : "Avvisi del browser spenti.";
  });
})();
