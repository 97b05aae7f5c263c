// Reads the page again every 30 seconds while its reader wants that; without this script a link does it.
const EVERY_MS = 30000;
const button = document.getElementById("again");
let running = true;

function named() {
  button.textContent = running ? "Stop reading again" : "Read again every 30 seconds";
}

async function read() {
  if (!running || document.hidden) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.dispatchEvent(new Event("reading-again"));
    for (const part of ["main", "as-of"]) {  // their contents: what a screen reader listens to stays
      document.getElementById(part).replaceChildren(...found.getElementById(part).childNodes);
    }
    document.dispatchEvent(new Event("read-again"));
  } catch {
    document.getElementById("as-of").textContent = "This page could not be read again: what it shows is old.";
  }
}

button.hidden = false;
button.addEventListener("click", () => { running = !running; named(); });
named();
setInterval(read, EVERY_MS);
