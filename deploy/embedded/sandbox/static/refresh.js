// Reloads the page when something happened, unless the reader is in the middle of something.
"use strict";
(() => {
  const shown = document.body.dataset.version;
  const busy = () =>
    document.hidden ||
    [...document.querySelectorAll("textarea, input:not([type=hidden])")].some((f) => f.value !== f.defaultValue) ||
    document.querySelector("details[open]") !== null ||
    String(document.getSelection()) !== "" ||
    (document.activeElement !== null && document.activeElement.matches("button, iframe"));
  setInterval(async () => {
    if (busy()) return;
    try {
      const answer = await fetch("/sandbox/version");
      const { version } = await answer.json();
      if (answer.ok && version !== shown && !busy()) location.reload();
    } catch {
      // The sandbox is restarting; the next look will tell.
    }
  }, 2000);
})();
