// The page itself: draws the path that is shown, and turns what the user does into requests.
import { ask } from "./api.js";
import { showResources } from "./crisis.js";
import { render } from "./markdown.js";
import { Tree } from "./tree.js";
import { fill, language, words } from "./words.js";

const at = (id) => document.getElementById(id);
const state = { tree: new Tree(), conversation: "", running: null, editing: null, crisis: null };

function newChat() {
  state.running?.abort();
  Object.assign(state, { tree: new Tree(), conversation: newId(), running: null, editing: null, crisis: null });
  at("text").value = "";
  say("");
  draw();
  at("text").focus();
}

// crypto.randomUUID exists only on https and on this machine; this exists everywhere.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(text) {
  const parent = state.editing ? state.editing.parent : state.tree.leaf;
  state.editing = null;
  const mine = state.tree.add(parent, "user", text);
  await answer(mine);
}

async function answer(mine) {
  const messages = state.tree.path(mine.id).map(({ role, text }) => ({ role, content: text }));
  const reply = state.tree.add(mine.id, "assistant", "", { waiting: true });
  state.running = new AbortController();
  say(words.thinking);
  draw();
  const bubble = document.querySelector(`[data-id="${reply.id}"] .bubble`);
  const onText = (text) => {
    reply.text += text;
    // Drawn once a frame at most, however fast the pieces come.
    reply.due ??= requestAnimationFrame(() => {
      reply.due = null;
      bubble.replaceChildren(render(reply.text));
    });
  };
  // Help is shown as soon as it is due, and stays even if the answer breaks off.
  const onDecision = (decision) => {
    if (decision !== "support" || conversation !== state.conversation) return;
    mine.crisis = true;
    drawPanels();
  };
  const conversation = state.conversation;
  const options = { conversation, country: at("country").value, onDecision, onText, signal: state.running.signal };
  const outcome = await ask(messages, options).catch((error) => ({ state: error.name === "AbortError" ? "stopped" : "failed", adjourn: {} }));
  if (conversation !== state.conversation) return; // the user has gone on to a new chat
  state.running = null;
  finish(mine, reply, outcome);
}

function finish(mine, reply, outcome) {
  reply.waiting = false;
  document.body.dataset.state = outcome.state;
  if (outcome.state === "done" || outcome.state === "locked") {
    Object.assign(reply, { decision: outcome.state === "locked" ? "end" : outcome.decision, adjourn: outcome.adjourn });
    if (outcome.state === "locked") reply.text = outcome.message ?? words.ended_status;
    if (outcome.adjourn.resources) state.crisis = outcome.adjourn.resources;
    if (outcome.adjourn.resumes_in_s) reply.resumes = Date.now() + outcome.adjourn.resumes_in_s * 1000;
    say(reply.decision === "end" ? words.ended_status : reply.resumes ? "" : words.answered);
  } else {
    state.tree.drop(reply.id);
    mine.broken = true;
    say(words[outcome.state]);
  }
  draw();
  if (!at("crisis").hidden && (mine.crisis || outcome.adjourn.resources)) bringUp("crisis");
  else if (reply.decision === "end") bringUp("ended");
  else if (outcome.state === "done") at("text").focus();
}

// Focus alone would leave a panel half under the input.
function bringUp(panel) {
  at(panel).focus({ preventScroll: true });
  at(panel).scrollIntoView({ block: "start" });
}

function say(text) {
  at("status").textContent = text;
}

function draw() {
  const path = state.tree.path();
  at("messages").replaceChildren(...path.map(drawMessage));
  drawPanels();
  const last = path.at(-1);
  last && document.querySelector(`[data-id="${last.id}"]`)?.scrollIntoView({ block: "nearest" });
}

// While the model's answers pause, a line says until when; it goes by itself, and nothing is locked.
function drawPause() {
  clearTimeout(state.timer);
  const last = state.tree.path().findLast((node) => node.role === "assistant" && !node.waiting);
  const left = (last?.resumes ?? 0) - Date.now();
  at("paused").hidden = left <= 0;
  if (left <= 0) return;
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(last.resumes);
  const text = fill(words.paused, { time });
  if (at("paused").textContent !== text) at("paused").textContent = text;
  state.timer = setTimeout(drawPause, left);
}

function drawPanels() {
  const path = state.tree.path();
  drawPause();
  const ended = path.some((node) => node.decision === "end");
  // Somebody in crisis never meets an end: if both were ever due, the crisis panel stays.
  const crisis = path.some((node) => node.crisis || node.decision === "support");
  at("crisis").hidden = !crisis;
  if (crisis) showResources(at("resources"), state.crisis ?? {});
  at("ended").hidden = !ended || crisis;
  if (ended) drawEnd(path.find((node) => node.decision === "end"));
  at("compose").hidden = ended && !state.editing;
  const asks = mustAcknowledge(path, crisis);
  if (asks && at("acknowledge").hidden) at("acknowledged").checked = false;
  at("acknowledge").hidden = !asks;
  at("acknowledged").required = asks;
  at("send").hidden = Boolean(state.running);
  at("stop").hidden = !state.running;
  at("cancel").hidden = !state.editing;
}

function drawMessage(node) {
  const item = document.createElement("li");
  item.dataset.id = node.id;
  item.className = [node.role, node.decision === "warn" ? "warn" : "", node.waiting ? "waiting" : ""].join(" ").trim();
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = node.role === "user" ? words.you : node.decision === "warn" ? words.warning : words.model;
  const bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.dir = "auto";
  if (node.role === "user") bubble.textContent = node.text;
  else bubble.replaceChildren(render(node.text));
  item.append(who, bubble);
  const tools = node.role === "user" ? userTools(node) : replyTools(node);
  if (tools.length) {
    const row = document.createElement("div");
    row.className = "tools";
    row.append(...tools);
    item.append(row);
  }
  return item;
}

function userTools(node) {
  const tools = [];
  if (!state.running) tools.push(button(words.edit, () => edit(node)));
  if (node.broken && node.id === state.tree.leaf) {
    tools.push(button(words.retry, () => {
      node.broken = false;
      answer(node);
    }));
  }
  const versions = state.tree.children(node.parent).filter(({ role }) => role === "user");
  if (versions.length > 1 && !state.running) tools.push(picker(node, versions));
  return tools;
}

// `‹ Version 2 of 3 ›`; focus stays on it, since everything is drawn anew.
function picker(node, versions) {
  const place = versions.indexOf(node);
  const go = (step) => {
    const { id } = versions[place + step];
    state.tree.show(id);
    draw();
    say(fill(words.version, { at: place + step + 1, of: versions.length }));
    document.querySelector(`[data-id="${id}"] .picker button:enabled`)?.focus();
  };
  const back = button("‹", () => go(-1), words.previous);
  const forth = button("›", () => go(1), words.next);
  back.disabled = place === 0;
  forth.disabled = place === versions.length - 1;
  const ended = versions.filter((one) => one !== node && state.tree.isEnded(one.id)).length;
  const note = ended ? ` (${fill(words.other_ended, { count: ended })})` : "";
  const told = document.createElement("span");
  told.textContent = fill(words.version, { at: place + 1, of: versions.length }) + note;
  const all = document.createElement("span");
  all.className = "picker";
  all.append(back, told, forth);
  return all;
}

function replyTools(node) {
  const isLast = node.id === state.tree.leaf;
  if (node.decision !== "confirm_user_end" || !isLast || state.running) return [];
  return [button(words.yes, () => agree()), button(words.no, () => at("text").focus())];
}

function agree() {
  state.editing = null;
  send(words.agree);
}

function drawEnd(node) {
  const asked = state.tree.path(node.id).at(-3)?.decision === "confirm_user_end";
  at("ended-why").textContent = asked ? words.ended_by_user : words.ended_by_rule;
  leadTo("ended-statement", node.adjourn?.statement_url);
  leadTo("ended-appeal", node.adjourn?.appeal_url);
}

// Pages of this gateway, whatever name it is reached by.
function leadTo(id, url = "") {
  at(id).hidden = !/^https?:\/\//.test(url);
  if (at(id).hidden) return;
  const { pathname, search } = new URL(url);
  at(id).href = pathname + search;
}

// An end that was reversed after an objection is open again; asked when the reader comes back.
async function lookAgain() {
  const node = state.tree.path().find(({ decision }) => decision === "end");
  if (document.hidden || state.running || !node?.adjourn?.node) return;
  const reply = await fetch(`/adjourn/v1/nodes/${node.adjourn.node}`).catch(() => null);
  if (!reply?.ok || (await reply.json()).state !== "open") return;
  node.decision = "reversed";
  draw();
  say(words.reopened);
  at("text").focus();
}

// Where the operator wants it, a warning is marked as read before the user writes on. Never in a
// crisis, and it stands in nobody's way to help: what is asked is one tick.
function mustAcknowledge(path, crisis) {
  const last = path.findLast((node) => node.role === "assistant");
  return "acknowledge" in document.body.dataset && !crisis && last?.decision === "warn";
}

function edit(node) {
  state.editing = node;
  draw();
  say(words.editing);
  at("text").value = node.text;
  at("text").focus();
}

function cancelEdit() {
  const { id } = state.editing;
  state.editing = null;
  at("text").value = "";
  say("");
  draw();
  document.querySelector(`[data-id="${id}"] .tools button`)?.focus();
}

function save() {
  const text = state.tree.path().map((node) => `${node.role === "user" ? words.you : words.model}: ${node.text}\n`).join("\n");
  const made = document.createElement("a");
  made.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  made.download = words.file;
  made.click();
  URL.revokeObjectURL(made.href);
}

function button(text, onClick, label) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", onClick);
  return made;
}

at("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (!text || state.running) return;
  at("text").value = "";
  send(text);
});
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Escape" && state.editing) cancelEdit();
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    at("compose").requestSubmit();
  }
});
at("stop").addEventListener("click", () => state.running?.abort());
at("cancel").addEventListener("click", cancelEdit);
at("new").addEventListener("click", newChat);
at("ended-new").addEventListener("click", newChat);
at("ended-save").addEventListener("click", save);
at("ended-earlier").addEventListener("click", () => {
  say(words.earlier);
  document.querySelector("#messages .user .tools button")?.focus();
});

function nameCountries() {
  const names = new Intl.DisplayNames([language], { type: "region" });
  const [unknown, ...known] = at("country").options;
  for (const option of known) option.textContent = names.of(option.value) ?? option.textContent;
  known.sort((one, other) => one.textContent.localeCompare(other.textContent, language));
  const chosen = at("country").value;
  at("country").replaceChildren(unknown, ...known);
  at("country").value = chosen; // moving options selects another one
}

nameCountries();
document.addEventListener("visibilitychange", lookAgain);
document.addEventListener("visibilitychange", drawPause);
window.addEventListener("focus", lookAgain);
newChat();
