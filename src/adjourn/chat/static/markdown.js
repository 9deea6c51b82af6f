// The Markdown that models write, as elements. No text ever becomes markup: every node is made by
// name and filled by textContent, so there is nothing to sanitise. Links lead to http(s) only.
import { words } from "./words.js";

export function render(text) {
  const made = document.createDocumentFragment();
  blocks(text.replace(/\r\n?/g, "\n").split("\n"), made, { level: 1 });
  return made;
}

const HEADING = /^(#{1,6})\s+(.*)$/;
const BULLET = /^(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
const FENCE = /^\s*(```+|~~~+)\s*([\w+#.-]*)/;
const DEEPEST = 8;

// `outline.level` is the last heading's: none may be more than one deeper, or the page's outline breaks.
function blocks(lines, into, outline, depth = 0) {
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) at += 1;
    else if (FENCE.test(line)) at = fence(lines, at, into);
    else if (HEADING.test(line)) {
      const [, marks, title] = HEADING.exec(line);
      outline.level = Math.min(6, marks.length + 1, outline.level + 1);
      into.append(inline(element(`h${outline.level}`), title));
      at += 1;
    } else if (RULE.test(line)) {
      into.append(element("hr"));
      at += 1;
    } else if (line.startsWith(">") && depth < DEEPEST) at = quote(lines, at, into, outline, depth);
    else if (BULLET.test(line) && depth < DEEPEST) at = list(lines, at, into, outline, depth);
    else if (isTable(lines, at)) at = table(lines, at, into);
    else at = paragraph(lines, at, into);
  }
}

function fence(lines, at, into) {
  const [, marks] = FENCE.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(marks)) end += 1;
  const text = lines.slice(at + 1, end).join("\n");
  const box = element("div");
  box.className = "code";
  const code = element("pre");
  code.tabIndex = 0; // it may scroll, and the keyboard must be able to
  code.dir = "ltr";
  code.append(element("code", text));
  box.append(code);
  if (navigator.clipboard) {
    const copy = element("button", words.copy);
    copy.type = "button";
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      copy.textContent = words.copied;
    });
    box.append(copy);
  }
  into.append(box);
  return end + 1;
}

function quote(lines, at, into, outline, depth) {
  let end = at;
  while (end < lines.length && lines[end].startsWith(">")) end += 1;
  const inner = element("blockquote");
  blocks(lines.slice(at, end).map((line) => line.replace(/^> ?/, "")), inner, outline, depth + 1);
  into.append(inner);
  return end;
}

function list(lines, at, into, outline, depth) {
  const [, indent, number] = BULLET.exec(lines[at]);
  const made = element(number === undefined ? "ul" : "ol");
  if (number !== undefined) made.start = Number(number);
  let end = at;
  while (end < lines.length) {
    const found = BULLET.exec(lines[end]);
    if (!found || found[1].length !== indent.length || (found[2] === undefined) !== (number === undefined)) break;
    let next = end + 1;
    while (next < lines.length && belongs(lines, next, indent.length)) next += 1;
    const item = element("li");
    const below = lines.slice(end + 1, next).map((line) => line.replace(/^\s{0,4}/, ""));
    inline(item, found[3]);
    blocks(below, item, outline, depth + 1);
    made.append(item);
    end = next;
  }
  into.append(made);
  return end;
}

// Deeper lines belong to the item above, and so does an empty line that deeper ones follow.
function belongs(lines, at, indent) {
  const line = lines[at];
  if (line.trim()) return line.length - line.trimStart().length > indent;
  const after = lines[at + 1] ?? "";
  return Boolean(after.trim()) && after.length - after.trimStart().length > indent;
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

function isTable(lines, at) {
  const below = lines[at + 1] ?? "";
  return lines[at].includes("|") && below.includes("-") && /^[\s|:-]+$/.test(below) && cells(below).length === cells(lines[at]).length;
}

function table(lines, at, into) {
  const made = element("table");
  const row = (line, kind) => {
    const tr = element("tr");
    for (const cell of cells(line)) tr.append(inline(element(kind), cell));
    return tr;
  };
  const head = element("thead");
  head.append(row(lines[at], "th"));
  const body = element("tbody");
  let end = at + 2;
  for (; end < lines.length && lines[end].includes("|"); end += 1) body.append(row(lines[end], "td"));
  made.append(head, body);
  into.append(made);
  return end;
}

function paragraph(lines, at, into) {
  let end = at + 1;
  const begins = (line) => !line.trim() || FENCE.test(line) || HEADING.test(line) || BULLET.test(line) || line.startsWith(">");
  while (end < lines.length && !begins(lines[end])) end += 1;
  into.append(inline(element("p"), lines.slice(at, end).join("\n")));
  return end;
}

const MARKS = [["**", "strong"], ["__", "strong"], ["~~", "del"], ["*", "em"], ["_", "em"]];

// How far apart the two marks of a pair may be: it keeps the time linear in the text.
const LONGEST = 4000;

function find(text, marks, from) {
  const found = text.slice(from, from + LONGEST).indexOf(marks);
  return found < 0 ? -1 : from + found;
}

function inline(into, text, depth = 0) {
  let plain = "";
  const flush = () => {
    if (plain) into.append(plain);
    plain = "";
  };
  let at = 0;
  while (at < text.length) {
    const found = depth < DEEPEST && (code(text, at) ?? link(text, at, depth) ?? mark(text, at, depth));
    if (found) {
      flush();
      into.append(found.node);
      at = found.end;
    } else if (text[at] === "\\" && /[\\`*_~[\]#>|-]/.test(text[at + 1] ?? "")) {
      plain += text[at + 1];
      at += 2;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return into;
}

function code(text, at) {
  if (text[at] !== "`") return null;
  const marks = /^`+/.exec(text.slice(at, at + 8))[0];
  const end = find(text, marks, at + marks.length);
  if (end < 0) return null;
  return { node: element("code", text.slice(at + marks.length, end)), end: end + marks.length };
}

function link(text, at, depth) {
  if (text[at] !== "[") return null;
  const middle = find(text, "](", at);
  const end = middle < 0 ? -1 : find(text, ")", middle);
  if (end < 0) return null;
  const href = text.slice(middle + 2, end).trim().split(/\s/)[0];
  const label = text.slice(at + 1, middle);
  if (!/^https?:\/\//i.test(href)) return { node: inline(element("span"), label, depth + 1), end: end + 1 };
  const node = inline(element("a"), label || href, depth + 1);
  node.href = href;
  node.rel = "noreferrer noopener";
  node.target = "_blank";
  return { node, end: end + 1 };
}

function mark(text, at, depth) {
  for (const [marks, name] of MARKS) {
    if (!text.startsWith(marks, at) || /\s/.test(text[at + marks.length] ?? " ")) continue;
    if (marks.includes("_") && /\w/.test(text[at - 1] ?? " ")) continue; // snake_case is no emphasis
    const end = find(text, marks, at + marks.length + 1);
    if (end < 0 || /\s/.test(text[end - 1])) continue;
    return { node: inline(element(name), text.slice(at + marks.length, end), depth + 1), end: end + marks.length };
  }
  return null;
}

function element(name, text = "") {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  return made;
}
