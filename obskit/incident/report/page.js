"use strict";
// Comfort only: the page reads the same without it.
for (const code of document.querySelectorAll(".q > code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy: " + code.textContent.slice(0, 60));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard outside https: one key is left to press
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  code.parentElement.append(button);
}

// One cursor for all time axes: what did the others do at this moment?
const root = document.documentElement;
const start = Number(document.body.dataset.start);
const span = Number(document.body.dataset.end) - start;
const onset = Number(document.body.dataset.onset);
for (const plot of document.querySelectorAll(".plot")) {
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const time = start + share * span;
    let label = new Date(time).toISOString().slice(11, 19) + "Z";
    if (onset) {
      const after = Math.floor(time / 1000) - Math.floor(onset / 1000); // as the clocks that are printed
      const seconds = Math.abs(after);
      label += ` ${after < 0 ? "-" : "+"}${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
    }
    root.style.setProperty("--cursor", `${share * 100}%`);
    root.classList.add("cursor");
    plot.dataset.time = label;
    plot.classList.toggle("flip", share > 0.75);
  });
  plot.addEventListener("pointerleave", () => {
    root.classList.remove("cursor");
    delete plot.dataset.time;
  });
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details.print")) details.open = true;
});
