// What somebody is typing to a family or to colleagues survives an expired session or a refused press, in this tab alone:
// the browser forgets it at the sign-out, at the tab's end, for anybody else who signs in, and once it was used.
"use strict";

(() => {
  const START = "bozza:";
  const LONGEST = 12 * 3600 * 1000;
  const kept = window.sessionStorage;
  const person = document.body.dataset.person ?? "";

  const drafts = () => Object.keys(kept).filter((key) => key.startsWith(START));
  const read = (key) => {
    try {
      return JSON.parse(kept.getItem(key)) ?? {};
    } catch {
      return {};
    }
  };
  const forget = (belongs = () => true) => {
    for (const key of drafts()) if (belongs(key)) kept.removeItem(key);
  };
  // The same form has other addresses before and after its preview.
  const formKey = (form) => {
    const path = new URL(form.getAttribute("action") ?? "", location.href).pathname;
    return `${START}${path.replace(/\/(anteprima|modifica)$/, "")}|`;
  };
  const writes = (field) =>
    field.matches?.('main form[method="post"] textarea, main form[method="post"] input[type="hidden"][name="testo"], #nota, #frase') && field.form;

  // Without a person this is a page of the sign-in: what waits for its writer stays, unless too long.
  forget((key) => Date.now() - (read(key).at ?? 0) > LONGEST || (person && read(key).person !== person));

  document.addEventListener("input", (event) => {
    if (!person || !writes(event.target)) return;
    const { form, name, value } = event.target;
    kept.setItem(formKey(form) + name, JSON.stringify({ person, value, at: Date.now() }));
  });

  // What the server gives back (a refusal, a chosen beginning) is newer: only a field as it was at first is filled.
  const fill = () => {
    if (!person) {
      const told = document.getElementById("bozze-tenute");
      if (told) told.hidden = drafts().length === 0;
      return;
    }
    if (document.querySelector("#avvisi .alert-success")) {
      const used = kept.getItem("inviata");
      if (used) forget((key) => key.startsWith(used));
    }
    kept.removeItem("inviata");
    for (const field of document.querySelectorAll("textarea, #nota, #frase")) {
      if (!writes(field) || field.type === "hidden") continue;
      const key = formKey(field.form) + field.name;
      const { value } = read(key);
      if (value === undefined || value === field.value) continue;
      const fresh = (field.value === "" || "fresh" in field.dataset) && !document.querySelector("main [role=alert]");
      if (fresh) field.value = value;
      else kept.setItem(key, JSON.stringify({ person, value: field.value, at: Date.now() }));
    }
  };
  document.addEventListener("DOMContentLoaded", fill);
  document.addEventListener("htmx:afterSettle", fill);

  document.addEventListener(
    "submit",
    (event) => {
      const action = event.target.getAttribute("action") ?? "";
      if (action === "/esci") forget();
      else kept.setItem("inviata", formKey(event.target));
    },
    true,
  );
})();
