// A telephone in the browser: its line is a media stream, its transcript the product's live feed.

const $ = (id) => document.getElementById(id);
const SPEAKERS = { guest: "Caller", bot: "Nightdesk", operator: "Operator" };
const STAGES = { transcript_ms: "words heard", turn_ms: "turn over", token_ms: "first word",
                 clause_ms: "first clause", sound_ms: "first sound" };
const NOTHING = "Pick a hotline and a caller, and call. What is heard, decided and said stands here as " +
  "it happens, with the time of each stage since the caller fell silent.";
const LANGUAGES = new Intl.DisplayNames("en", { type: "language" });
let choices = { hotlines: [] }, caller = null, call = null, hearing = null;

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

// -- whom and as whom --------------------------------------------------------------------------

async function offer() {
  choices = await (await fetch("choices")).json();
  const wanted = new URLSearchParams(location.search);
  $("hotline").replaceChildren(...choices.hotlines.map((one) => {
    const text = `${one.name} · ${one.number}${one.is_connected ? "" : " (not connected)"}`;
    return new Option(text, one.number, false, one.number === wanted.get("hotline"));
  }));
  showCallers(wanted.get("caller"));
}

function showCallers(wanted = null) {
  const hotline = choices.hotlines.find((one) => one.number === $("hotline").value);
  const rows = hotline.guests.map((guest) => ({
    name: guest.guestName, number: guest.phone,
    lines: [guest.listing, `${guest.when}, leaves ${guest.leaves}`, `${guest.phone} · code ${guest.confirmationCode}`],
  }));
  rows.push({ name: "Somebody unknown", number: "+48600100299", lines: ["a number that no booking has"], isOther: true });
  rows.push({ name: "Number withheld", number: choices.withheld, lines: ["the carrier says: anonymous"] });
  if (wanted && !rows.some((row) => row.number === wanted)) {
    rows.unshift({ name: wanted, number: wanted, lines: ["as the link says"] });
  }
  $("callers").replaceChildren(...rows.map((row) => {
    const button = element("button", "caller", row.name, ...row.lines.map((line) => element("small", "", line)));
    button.onclick = () => pick(row, button);
    if (row.number === wanted) pick(row, button);
    return button;
  }));
  if (!wanted) $("callers").firstChild.click();
}

function pick(row, button) {
  if (call) return;
  caller = row;
  document.querySelectorAll(".caller.on").forEach((one) => one.classList.remove("on"));
  button.classList.add("on");
  $("other").classList.toggle("on", Boolean(row.isOther));
  if (row.isOther) $("other").value = row.number;
  $("name").textContent = row.name;
  $("number").textContent = row.number === choices.withheld ? "number withheld" : row.number;
  $("dial").disabled = false;
}

// -- the line ----------------------------------------------------------------------------------

async function dial() {
  const number = caller.isOther ? $("other").value.replaceAll(" ", "") : caller.number;
  call = { sid: "", isAnswered: false, began: 0 };
  lock(true);
  say("calling …");
  $("transcript").replaceChildren();
  $("tape").classList.remove("on");
  const sound = new AudioContext({ latencyHint: "interactive" });
  await sound.audioWorklet.addModule("phone-worklet.js");
  const earpiece = new AudioWorkletNode(sound, "earpiece", { numberOfInputs: 0, outputChannelCount: [1] });
  earpiece.connect(sound.destination);
  const socket = new WebSocket(new URL("line", location.href.replace(/^http/, "ws")));
  const send = (event, content) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ event, [event]: content }));
  };
  Object.assign(call, { sound, socket, send });
  socket.onopen = () => send("start", {
    tracks: ["inbound"], customParameters: { caller: number, hotline: $("hotline").value },
    mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 } });
  socket.onmessage = ({ data }) => take(JSON.parse(data), earpiece);
  socket.onclose = () => hungUp("the line is closed");
  await listen(sound, send);
}

async function listen(sound, send) {
  const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    if (!call) return stream.getTracks().forEach((track) => track.stop());
    const microphone = new AudioWorkletNode(sound, "microphone", { numberOfOutputs: 0 });
    sound.createMediaStreamSource(stream).connect(microphone);
    microphone.port.onmessage = ({ data }) => {
      level("spoken", data.loud);
      send("media", { track: "inbound", payload: btoa(String.fromCharCode(...data.piece)) });
    };
    call.stream = stream;
  } catch (problem) {
    note(`No microphone (${problem.name}): type what the caller says.`);
  }
}

function take(message, earpiece) {
  if (message.event === "call") call.sid = message.call;
  if (message.event === "clear") earpiece.port.postMessage("clear");
  if (message.event === "ended") hungUp(message.why);
  if (message.event !== "media" || !call) return;
  if (!call.isAnswered) {
    call.isAnswered = true;
    call.began = performance.now();
    $("speak").disabled = false;
  }
  const piece = Uint8Array.from(atob(message.media.payload), (letter) => letter.charCodeAt(0));
  earpiece.port.postMessage(piece);
  level("heard", loudness(piece));
  const seconds = Math.floor((performance.now() - call.began) / 1000);
  say(`on the line ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
}

function loudness(piece) {
  let most = 0;
  for (const code of piece) most = Math.max(most, (~code & 0x7f) >> 4);
  return most < 3 ? 0 : (most / 7) ** 3;
}

function hungUp(why) {
  if (!call) return;
  const { sid, stream, sound, socket } = call;
  call = null;
  stream?.getTracks().forEach((track) => track.stop());
  sound.close();
  socket.close();
  level("spoken", 0);
  level("heard", 0);
  say(why === "completed" ? "call ended" : why);
  lock(false);
  if (sid) setTimeout(() => showTape(sid), 300);
}

async function showTape(sid) {
  const answer = await fetch(`calls/${sid}`);
  if (!answer.ok) return;
  const { turns, hotline, seconds } = await answer.json();
  if (!seconds) return;
  const took = turns.map((turn) => turn.latency_ms).filter((one) => one !== null);
  const greeted = hotline.length ? `first sound ${Math.round(hotline[0][0] * 1000)} ms after the line opened` : "nothing was said";
  $("measured").textContent = `On the tape (caller left, hotline right): ${greeted}` +
    (took.length ? `; from the caller's last sound to the answer: ${took.map((one) => `${one} ms`).join(", ")}.` : ".");
  $("recording").src = `calls/${sid}/tape.wav`;
  $("tape").classList.add("on");
}

const say = (text) => { $("state").textContent = text; };
const level = (id, loud) => { $(id).style.width = `${Math.min(100, loud * 300)}%`; };
function lock(isOn) {
  $("dial").textContent = isOn ? "Hang up" : "Call";
  $("dial").classList.toggle("on", isOn);
  $("hotline").disabled = $("other").disabled = isOn;
  $("speak").disabled = true;
}

// -- what Nightdesk does -----------------------------------------------------------------------

function add(made) {
  $("transcript").querySelector(".empty")?.remove();
  $("transcript").append(made);
  made.scrollIntoView({ block: "end" });
  return made;
}
const note = (text, kind = "") => add(element("div", `note ${kind}`, text));

function show(event) {
  if (event.thread && event.thread !== call?.sid && event.thread !== show.last) return;
  if (event.type === "case" && !call) return;
  if (call?.sid) show.last = call.sid;
  if (event.type === "call_started") note(`The hotline answers in ${LANGUAGES.of(event.language)}.`);
  if (event.type === "caller") {
    note(event.reservation ? `The caller's booking is known (assurance ${event.assurance}).` :
         `The caller is not known (assurance ${event.assurance}).`);
  }
  if (event.type === "heard") hear(event.text);
  if (event.type === "answer_began") add(stages(event.stages));
  if (event.type === "turn") turn(event);
  if (event.type === "decision") {
    const why = event.because?.startsWith("certain") ? "certain of what is asked" : event.because;
    note([event.action_code, event.outcome, event.bot || event.origin, why].filter(Boolean).join(" · "));
  }
  if (event.type === "case") note(`A case for a person was ${event.step}.`, "case");
  if (event.type === "call_ended") note(`The call is over: ${event.because}.`);
}

function hear(text) {
  hearing ??= add(element("div", "turn guest hearing", ""));
  hearing.textContent = text;
  hearing.dir = "auto";
}

function turn(event) {
  if (event.speaker === "guest") {
    hearing?.remove();
    hearing = null;
  }
  const at = new Date(event.said_at).toLocaleTimeString();
  const cut = event.is_cut ? " · interrupted" : "";
  const made = add(element("div", `turn ${event.speaker}`,
    element("small", "", `${SPEAKERS[event.speaker] ?? event.speaker} · ${at}${cut}`), event.text));
  made.dir = "auto";
  const shown = $("transcript").querySelector(".stages:not(.kept)");
  if (event.speaker === "bot" && shown) {
    shown.classList.add("kept");
    made.after(shown);
  }
}

/** The moments of one answer, since the caller fell silent; stages that we do not know by name too. */
function stages(told) {
  const parts = Object.entries(told).map(([name, ms]) =>
    element("span", "", `${STAGES[name] ?? name.replace(/_ms$/, "").replaceAll("_", " ")} `, element("b", "", `${ms} ms`)));
  return element("div", "stages", ...parts);
}

async function tellEngines() {
  const answer = await fetch("engines").catch(() => null);
  if (!answer?.ok) return void ($("engine").textContent = "No speech engine answers on this machine.");
  const { ears, hotline } = await answer.json();
  $("engine").textContent = `On this machine, no account: ${ears} hears, ${Object.entries(hotline)
    .map(([language, voice]) => `${voice} speaks ${LANGUAGES.of(language)}`).join(", ")}.`;
}

async function follow() {
  const answer = await fetch("../product-live").catch(() => null);
  if (!answer || !answer.ok) {
    const why = answer ? (await answer.json()).error : "the stand-ins are gone";
    $("product").textContent = `Not following the product: ${why}.`;
    return setTimeout(follow, 4000);
  }
  $("product").textContent = "Live from the product's own feed; secrets stand as placeholders.";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read().catch(() => ({ done: true }));
    if (done) break;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const text = block.split(/\r?\n/).filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).trim()).join("\n");
      if (text) show(JSON.parse(text));
    }
  }
  setTimeout(follow, 1000);
}

// -- everything wired --------------------------------------------------------------------------

const LETTERS = { 0: "a person", 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ" };
$("keys").replaceChildren(...[..."123456789*0#"].map((key) => {
  const button = element("button", "", key, element("small", "", LETTERS[key] ?? "\u00a0"));
  button.onclick = () => call?.send("dtmf", { track: "inbound_track", digit: key });
  return button;
}));
$("transcript").append(element("div", "empty", NOTHING));
$("hotline").onchange = () => showCallers();
$("dial").onclick = () => {
  if (!call) return void dial().catch((problem) => hungUp(problem.message));
  call.send("stop", {});
  hungUp("call ended");
};
$("say").onsubmit = async (event) => {
  event.preventDefault();
  const text = $("words").value.trim();
  if (!text || !call?.sid) return;
  $("words").value = "";
  await fetch(`calls/${call.sid}/say`, { method: "POST", body: JSON.stringify({ text }) });
};
offer();
follow();
tellEngines();
