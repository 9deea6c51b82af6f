// The crisis panel: what the gateway sent, emergency number first, as text and plain links.
import { fill, words } from "./words.js";

export function showResources(place, resources) {
  const parts = [emergencyLine(resources.emergency ?? [])];
  const lines = resources.lines ?? [];
  if (lines.length) {
    const list = element("ul");
    for (const one of lines) list.append(helpLine(one));
    parts.push(list);
    if (lines.some((one) => !one.checked_by_human_on)) parts.push(element("p", words.unchecked));
  }
  const directory = resources.directory;
  if (directory?.url) {
    const more = element("p", `${words.more} `);
    more.append(link(directory.url, directory.name ?? directory.url));
    parts.push(more);
  }
  place.replaceChildren(...parts);
}

function emergencyLine(numbers) {
  if (!numbers.length) return element("p", words.local_emergency);
  const line = element("p", `${words.emergency} `);
  numbers.forEach(({ dial }, at) => line.append(at ? " / " : "", dialLink(dial)));
  return line;
}

function helpLine(one) {
  const item = element("li");
  item.append(element("bdi", one.name), ": ");
  if (one.dial) item.append(words.call, " ", dialLink(one.dial), " ");
  for (const { to, keyword } of one.text ?? []) item.append(fill(keyword ? words.text_keyword : words.text, { keyword, to }), " ");
  if (one.hours?.always) item.append(`(${words.always}) `);
  const page = one.chat_url ?? one.url;
  if (page) item.append(link(page, new URL(page).hostname));
  return item;
}

function dialLink(dial) {
  return link(`tel:${dial.replaceAll(" ", "")}`, dial, "dial");
}

function link(href, text, kind = "") {
  const made = element("a", text);
  made.dir = "ltr"; // numbers and addresses, whichever way the words around them run
  if (/^(https:|tel:)/.test(href)) made.href = href;
  made.className = kind;
  made.rel = "noreferrer";
  return made;
}

function element(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
