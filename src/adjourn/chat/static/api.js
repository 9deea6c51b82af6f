// One request to the gateway: streams the reply, and tells how it came out.
export async function ask(messages, { conversation, country, onDecision, onText, signal }) {
  const headers = { "content-type": "application/json", "x-adjourn-conversation": conversation };
  if (country) headers["x-adjourn-country"] = country;
  headers["x-adjourn-language"] = document.documentElement.lang;
  const body = JSON.stringify({ model: "local", stream: true, messages });
  const reply = await fetch("/v1/chat/completions", { method: "POST", headers, body, signal });
  const outcome = { decision: reply.headers.get("x-adjourn-decision") ?? "", state: "cut", adjourn: {} };
  onDecision(outcome.decision);
  if (!reply.ok) {
    const { error, adjourn } = await reply.json().catch(() => ({}));
    const state = error?.code === "conversation_ended" ? "locked" : "failed";
    return { ...outcome, state, adjourn: adjourn ?? {}, message: error?.message };
  }
  for await (const data of events(reply.body)) {
    if (data === "[DONE]") return { ...outcome, state: "done" };
    const chunk = JSON.parse(data);
    if (chunk.error) return outcome;
    if (chunk.adjourn) {
      outcome.adjourn = chunk.adjourn;
      outcome.decision = chunk.adjourn.decision;
    }
    const text = chunk.choices?.[0]?.delta?.content;
    if (text) onText(text);
  }
  return outcome;
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data:")) yield line.slice(5).trim();
  }
}
