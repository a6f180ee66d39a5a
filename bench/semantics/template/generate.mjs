// Random templates and what the real npm packages make of them.
//
//   node generate.mjs FOLDER/node_modules ejs|mustache|both|wild COUNT SEED
//
// `ejs`, `mustache` and `both` keep to our dialect, so that nothing in them may be refused. `wild` is
// meant to break something: it leaves the dialect at every corner, and values hold tags. There the
// braces of printed values are hidden from Mustache, as our dialect hides them.
//
// Prints {"views": [...]} on the first line, then per line [template, view number,
// answer, how]. `how` is absent when the package simply answered, and otherwise
//   "missing"  it threw on a member of null or undefined; the answer is that of the same template
//              with `?.` for every dot, which is what our dialect means by a missing path
//   "refused"  it would not compile the template; there is no answer
//   "threw"    it threw while rendering; there is no answer
//   "mutated"  it answered, but the template was damaged on purpose: it may be outside the dialect
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

import { TEMPLATES, VIEW } from "../by_hand.mjs";

const [modules, layer, countText, seedText] = process.argv.slice(2);
const require = createRequire(modules + "/");
const ejs = require("ejs");
const mustache = require("mustache");
for (const [name, wanted] of [["ejs", "7.0.2"], ["mustache", "4.2.0"]]) {
  const { version } = JSON.parse(readFileSync(`${modules}/${name}/package.json`, "utf8"));
  if (version !== wanted) throw new Error(`${name} ${wanted} is wanted, not ${version}`);
}

let state = Number(seedText) >>> 0;
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
};
const below = (count) => Math.floor(random() * count);
const pick = (items) => items[below(items.length)];
const chance = (share) => random() < share;
const times = (count, make) => Array.from({ length: count }, make);

const NAMES = ["a", "b", "c", "guest", "listing", "tags", "rooms", "canAccess", "n", "s", "gość"];
const PARTS = ["a", "b", "name", "city", "n", "tags", "open", "length"];
const WORDS = ["", "", "0", "1", "10", "9", " 12 ", "abc", "b", "B", "true", "null", "Łódź", "żółw",
  "مرحبا", "😀x", "x\uffee", "two words", "1e3", "0x10", ".5", "-1", "a,b", "undefined", "NaN", "  ", "\n",
  "x\ny", "  pad\n  ", "<b>&\"'`=/", "[object Object]", "Infinity", "\u00a0", "1_0", "5.", "Ω"];
const NUMBERS = [0, 1, 2, 3, 10, -1, 0.1, 1.5, 1e21, 1e-7, 123456789012345680000, 0.000001, -0.5,
  1e300, 5e-324, 9007199254740993, 100, 12, 1.0, 4.35, 1.7976931348623157e308, 123456.789];

const scalar = () => {
  const kind = below(10);
  if (kind < 4) return pick(WORDS);
  if (kind < 7) return pick(NUMBERS);
  return pick([true, false, null, true, false]);
};
const value = (depth) => {
  const kind = below(10);
  if (depth === 0 || kind < 5) return scalar();
  if (kind < 8) return times(below(4), () => value(depth - 1));
  return object(depth - 1);
};
const object = (depth) => {
  const made = {};
  for (const part of PARTS.slice(0, 7)) if (chance(0.6)) made[part] = value(depth);
  return made;
};
const view = () => {
  const made = {};
  for (const name of NAMES) if (chance(0.85)) made[name] = value(2);
  if (chance(0.8)) made.listing = object(2);
  if (chance(0.7)) made.rooms = times(below(4), () => (chance(0.8) ? object(1) : scalar()));
  if (chance(0.6)) made.tags = times(below(4), scalar);
  return made;
};

// ---- expressions and EJS

const space = () => (chance(0.2) ? pick(["", "  ", "\n", "\t", " /* a && b */ ", " // }\n"]) : " ");
const DOT = "\u0001"; // stands for a dot that may become `?.`
const quoted = (text) => {
  const mark = pick(["'", '"']);
  const inside = [...text].map((c) => {
    if (c === mark || c === "\\") return "\\" + c;
    if (c === "\n") return "\\n";
    if (chance(0.05) && c.length === 1) return "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
    if (chance(0.01)) return "\\0" + (/[0-9]/.test(c) ? " " : "") + c;
    return c;
  });
  return mark + inside.join("") + mark;
};
const path = () => {
  const head = pick(NAMES);
  return head + times(pick([0, 0, 0, 1, 1, 2]), () => DOT + pick(PARTS)).join("");
};
const atom = (depth) => {
  const kind = below(14);
  if (kind < 6) return path();
  if (kind < 8) return quoted(pick(WORDS));
  if (kind === 8) return pick(["0", "1", "2", "10", "1.5", ".5", "-1", "1e3", "3.", "1E-7", "-0", "12"]);
  if (kind === 9) return pick(["true", "false", "null", "undefined"]);
  if (kind === 10) return path() + DOT + "length";
  if (kind === 11 && depth > 0) return `${path()}${DOT}includes${DOT}(${space()}${expression(depth - 1)}${space()})`;
  if (kind === 12 && depth > 0) return `(${expression(depth - 1)})${DOT}length`;
  return depth > 0 ? `(${space()}${expression(depth - 1)}${space()})` : path();
};
const unary = (depth) => (chance(0.15) ? pick(["!", "!!", "! "]) : "") + atom(depth);
const SIGNS = ["===", "!==", "==", "!=", "<", "<=", ">", ">=", "==", "<", "&&", "||", "&&", "||"];
const expression = (depth) => {
  const kind = below(10);
  if (kind < 4) return unary(depth);
  if (kind < 8) {
    const links = times(pick([1, 1, 1, 2, 3]), () => space() + pick(SIGNS) + space() + unary(Math.max(0, depth - 1)));
    return unary(depth) + links.join("");
  }
  if (depth === 0) return unary(0);
  return `${unary(depth - 1)}${space()}? ${expression(depth - 1)}${space()}: ${expression(depth - 1)}`;
};
const PLAIN = ["x", "Hello", "\n", "\n", "\n", " ", "  ", "\t", "\r\n", " - ", "ą ę ó ź", "سلام", "😀", "}", "{ ", "a\\b", '"q"',
  "50%", "_", "-", "\\n", "'", "`${1}`", "// no", "<b>"];
const plain = () => times(1 + below(4), () => pick(PLAIN)).join("");
const open = () => pick(["<%", "<%", "<%", "<%_"]);
const close = () => pick(["%>", "%>", "%>", "-%>", "_%>"]);
const code = (text) => `${open()}${chance(0.9) ? " " : ""}${text}${pick([" ", " ", " ", "\n", ";  "])}${close()}`;
const brace = (text) => `${open()} ${text} ${close()}`;
const printed = (depth) => {
  const at = pick(["<%=", "<%=", "<%-"]);
  return `${at}${space()}${expression(depth)}${pick(["", "", "", ";"])} ${close()}`;
};
const block = (depth, text) => {
  const inside = () => (depth > 0 ? body(depth - 1, text) : text());
  let made = brace(`if${space()}(${expression(2)})${space()}{`) + inside();
  for (let more = pick([0, 0, 1, 1, 2]); more > 0; more--) made += brace(`} else if (${expression(2)}) {`) + inside();
  if (chance(0.5)) made += brace(`}${space()}else${space()}{`) + inside();
  return made + code("}");
};
const body = (depth, text) =>
  times(1 + below(4), () => {
    const kind = below(12);
    if (kind < 4) return text();
    if (kind < 7) return printed(2);
    if (kind < 10) return block(depth, text);
    if (kind === 10) return `<%# ${pick(["note", "ą", "if (", "x\ny"])} ${close()}`;
    return pick(["<%% raw %>", "<%%", "%%>", "<%%= a -%>\n", "  <%_ if (a) { _%>  \n y<% } %>", "<% %>", "<%% _%>  \nz"]);
  }).join("");

// ---- Mustache

const BLANK = ["\n", "\n", "\n", " ", "  ", "\t", "\r\n", "", "", "\u00a0"];
const words = () => pick(["x", "Hi ", "ż", "}", "{ ", "}}", "{ { ", "سلام", "😀", "|", "end."]);
const inner = () => pick(["", "", "", " ", "  ", "\n"]);
const name = () => {
  const kind = below(10);
  if (kind === 0) return ".";
  if (kind < 6) return pick([...NAMES, ...PARTS]);
  return times(2 + below(2), () => pick([...NAMES.slice(3), ...PARTS, "0", "1"])).join(".");
};
const variable = () => {
  const named = inner() + name() + inner();
  return pick([`{{${named}}}`, `{{${named}}}`, `{{{${named}}}}`, `{{&${named}}}`, `{{ &${named}}}`]);
};
const section = (depth) => {
  const named = name();
  const tag = (mark) => `${pick(["", "", " ", "\n", "\n  "])}{{${inner()}${mark}${inner()}${named}${inner()}}}${pick(BLANK)}`;
  return tag(pick(["#", "#", "^"])) + mustaches(depth - 1) + tag("/");
};
const mustaches = (depth) =>
  times(1 + below(4), () => {
    const kind = below(10);
    if (kind < 2) return words();
    if (kind < 4) return pick(BLANK);
    if (kind < 7) return variable();
    if (kind === 7) return `${pick(BLANK)}{{!${inner()}${pick(["note", "a\nb", "{{x", ""])}}}${pick(BLANK)}`;
    return depth > 0 ? section(depth) : variable();
  }).join("");

// ---- wild: both layers at once, out of the dialect at times

const WILD_NAMES = ["a", "b", "c", "guest", "listing", "tags", "rooms", "n", "s", "gość", "$x", "_y", "of", "get", "locals", "include",
  "Math", "escapeFn", "constructor", "toString", "x"];
const WILD_PARTS = ["a", "b", "name", "length", "includes", "if", "class", "null", "true", "toString", "constructor", "trim", "at", "keys", "$"];
const WILD_WORDS = ["{{a}}", "{{#a}}", "}}", "{", "<%= a %>", "%>", "\u2028", "\\", "\t", "\r\n", "\r", "$&", "$1", "__proto__", "İ"];
const ESCAPES = ["\\n", "\\t", "\\'", '\\"', "\\\\", "\\u0105", "\\x41", "\\u{1F600}", "\\0", "\\b", "\\f", "\\v", "\\a", "\\/", "\\\n",
  "\\ud83d\\ude00", "\\ud83d", "\\1", "\\x4", "\\u12"];
const MARKS = ["a", "b", "x", "1", "0", " ", "ą", "😀", ",", ".", ";", "}", "{", "//", "/*", "if", "%"];
const ODD_SIGNS = ["+", "-", "*", "/", "%", "??", "in", "instanceof", "&", "|", ",", "=", "<<", "**"];
const ODD_TAGS = ["<%% raw %>", "<%%", "%%>", "<%%= a -%>\n", "<%% _%>  \nz", "<% %>", "<% ; %>", "<%# c -%>\n", "<%# c _%>  \n", "  <%_ %>",
  "<% if (a) {} %>", "<% if (a) { } else { } %>", "<%%%>", "<%%>", "%%%>", "<%= %>", "<%-%>", "<%_%>", "<%#%>",
  "<% for (const q of tags) { %>q<% } %>", "<% // c\n %>", "<% /* c */ %>", "<% tags.forEach(function (t) { %>t<% }) %>",
  "<% if (a) %>x", "<% var z = 1 %>", "<% while (false) { } %>", "<% { %>x<% } %>", "<%=a%>", "<%-a-%>\n",
  "<%_ if(a){ _%>  y<%_ } _%>  z", "<% if(!(a&&b)||c){%>k<%}%>", "<%='a'%>", "<%= '%' + '>' %>", "<% else { %>", "<% } %>", "<% }else{ %>",
  "<% if (a) { %>", "<%= a; /* c */ %>", "<%= a // c %>", "<%= '{{a}}' %>", "{<%= s %>{", "<%= a ? '{' : '' %>{a}}", "<%= [] %>", "<%= a() %>"];
const ODD_MUSTACHE = ["{{> p}}", "{{=| |=}}", "{{}}", "{{ }}", "{{#}}", "{{/a}}", "{{#a}}", "{{", "}}", "{{{", "{{{}}}", "{{!}}", "{{=<% %>=}}"];
const WILD_PLAIN = [...PLAIN, "\r", "\u2028", "%", "<", "< %", "% >", "&amp;", "\u0000", "{", "$"];
const blank = () => (chance(0.5) ? " " : pick(["", "", "  ", "\n", "\t", "\r\n", "\u00a0", "/* c */", "\u2028"]));
const wildText = () => {
  const mark = pick(["'", '"']);
  return mark + times(below(4), () => (chance(0.2) ? pick(ESCAPES) : pick(MARKS))).join("") + mark;
};
const wildPath = () => {
  const head = chance(0.95) ? pick(NAMES) : pick(WILD_NAMES);
  return head + times(pick([0, 0, 0, 1, 1, 2]), () => DOT + (chance(0.95) ? pick(PARTS) : pick(WILD_PARTS))).join("");
};
const wildNumber = () => pick(["0", "1", "2", "10", "1.5", ".5", "1e3", "3.", "1E-7", "1e21", "1e400", "9007199254740993", "-1", "- 1",
  ...(chance(0.05) ? ["010", "0x10", "0b1", "1n", "1_000", "0o7", "08", "+1"] : [])]);
const wildAtom = (depth) => {
  const kind = below(16);
  if (kind < 6) return wildPath();
  if (kind < 8) return wildText();
  if (kind === 8) return wildNumber();
  if (kind === 9) return pick(["true", "false", "null", "undefined"]);
  if (kind === 10) return wildPath() + DOT + "length";
  if (depth === 0) return wildPath();
  if (kind === 11) return `${wildPath()}${DOT}includes${DOT}(${blank()}${wild(depth - 1)}${blank()})`;
  if (kind === 12) return `(${wild(depth - 1)})${DOT}${pick(["length", "name", `a${DOT}b`, `includes${DOT}(${wildText()})`])}`;
  if (kind === 13) return `${wildText()}${DOT}${pick(["length", `includes${DOT}(${wild(depth - 1)})`])}`;
  return `(${blank()}${wild(depth - 1)}${blank()})`;
};
const wildUnary = (depth) => {
  const odd = chance(0.03) ? ["typeof ", "-", "+", "void ", "~"] : [];
  return (chance(0.18) ? pick(["!", "!!", "! ", "!!!", ...odd]) : "") + wildAtom(depth);
};
const wild = (depth) => {
  const kind = below(10);
  const choice = () => `${wildUnary(depth - 1)}${blank()}?${blank()}${wild(depth - 1)}${blank()}:${blank()}${wild(depth - 1)}`;
  if (kind >= 8 && depth > 0) return choice();
  const links = kind < 4 ? 0 : pick([1, 1, 1, 2, 3]);
  const link = () => blank() + (chance(0.99) ? pick(SIGNS) : pick(ODD_SIGNS)) + blank() + wildUnary(Math.max(0, depth - 1));
  return wildUnary(depth) + times(links, link).join("");
};
const wildPrint = () => `${pick(["<%=", "<%=", "<%-"])}${blank()}${wild(2)}${blank()}${pick(["", "", "", ";"])} ${close()}`;
const wildBlock = (depth) => {
  const inside = () => (depth > 0 ? wildBody(depth - 1) : wildMustache(1));
  const head = (text) => `${open()}${blank()}${text}${blank()}(${blank()}${wild(2)}${blank()})${blank()}{${blank()}${close()}${inside()}`;
  let made = head("if");
  for (let more = pick([0, 0, 1, 1, 2, 3]); more > 0; more--) made += head("} else if");
  if (chance(0.5)) made += `${open()} }${blank()}else${blank()}{${blank()}${close()}${inside()}`;
  if (chance(0.1)) return made + head("} if") + `${open()} } ${close()}`;
  if (chance(0.05)) return made + head("} else { if") + `${open()} }} ${close()}`;
  return `${made}${open()}${blank()}}${pick(["", ";", " ", "\n"])}${close()}`;
};
const wildName = () => (chance(0.92) ? name() : pick(["a b", "a..b", ".a", "a.", ". .", "a .b", "-", "a-b", "a/b", "listing.", "tags.0",
  "s.0", "this", "@index", "a\tb", "#a", "'a'", "tags.join", "tags.map.length", "constructor", "s.trim"]));
const wildVariable = () => {
  const named = inner() + wildName() + inner();
  const odd = chance(0.03) ? [`{{{${named}}}`, `{{${named}}}}`] : [];
  return pick([`{{${named}}}`, `{{{${named}}}}`, `{{&${named}}}`, `{{& ${named}}}`, `{{ { ${named}}}}`, ...odd]);
};
const wildSection = (depth) => {
  const named = wildName();
  const tag = (mark, of) => `${pick(BLANK)}{{${inner()}${mark}${inner()}${of}${inner()}}}${pick(BLANK)}`;
  return tag(pick(["#", "#", "^"]), named) + wildMustache(depth - 1) + tag("/", chance(0.98) ? named : wildName());
};
const wildMustache = (depth) =>
  times(1 + below(4), () => {
    const kind = below(12);
    if (kind < 3) return times(1 + below(2), () => pick(WILD_PLAIN)).join("");
    if (kind < 5) return pick(BLANK);
    if (kind < 8) return wildVariable();
    if (kind === 8) return `${pick(BLANK)}{{!${inner()}${pick(["note", "a\nb", "{{x", "", "}", "a}b", "=", "# a"])}}}${pick(BLANK)}`;
    if (kind === 9 && chance(0.1)) return pick(ODD_MUSTACHE);
    return depth > 0 ? wildSection(depth) : wildVariable();
  }).join("");
const wildBody = (depth) =>
  times(1 + below(4), () => {
    const kind = below(14);
    if (kind < 3) return times(1 + below(3), () => pick(WILD_PLAIN)).join("");
    if (kind < 5) return wildMustache(1);
    if (kind < 8) return wildPrint();
    if (kind < 11) return wildBlock(depth);
    if (kind === 11) return wildMustache(2);
    if (kind === 12) return chance(0.25) ? pick(ODD_TAGS) : wildMustache(1);
    return `<%#${pick([" note", "ą", " if (", " x\ny", " {{a}}"])} ${close()}`;
  }).join("");

// ---- asking the packages

const identity = (text) => (text === undefined || text === null ? "" : String(text));
const hidden = (text) => identity(text).replaceAll("{", "\ue000").replaceAll("}", "\ue001");
const shown = (text) => text.replaceAll("\ue000", "{").replaceAll("\ue001", "}");
const strip = (template) => template.replaceAll(DOT + "(", "(").replaceAll(DOT, ".");
const lenient = (template) => template.replaceAll(DOT, "?.");
const locals = (data) => Object.assign(Object.fromEntries(NAMES.map((each) => [each, undefined])), data);
const asked = (template, data) => {
  let run;
  try {
    run = layer === "wild"
      ? ejs.compile(template.replaceAll("<%-", "<%="), { escape: hidden })
      : ejs.compile(template, { escape: identity });
  } catch {
    return { how: "refused" };
  }
  try {
    return { answer: run(locals(data)) };
  } catch {
    return { how: "threw" };
  }
};
const askEjs = (template, data) => {
  const first = asked(strip(template), data);
  if (first.how !== "threw") return first;
  const second = asked(lenient(template), data);
  return second.how ? { how: "threw" } : { answer: second.answer, how: "missing" };
};
const askMustache = (template, data) => {
  try {
    mustache.parse(template);
  } catch {
    return { how: "refused" };
  }
  try {
    return { answer: mustache.render(template, data, {}, { escape: String }) };
  } catch {
    return { how: "threw" };
  }
};
const askBoth = (template, data) => {
  const first = askEjs(template, data);
  if (first.answer === undefined) return first;
  const second = askMustache(first.answer, data);
  return second.how ? second : { answer: shown(second.answer), how: first.how };
};
const SHRAPNEL = ["{", "}", "%>", "<%", ")", "(", "{{", "}}", "=", "!", "'"];
const damaged = (template) => {
  const points = [...template];
  const at = below(points.length + 1);
  const kind = below(3);
  if (kind === 2) return points.slice(0, at).join("");
  points.splice(at, kind === 0 ? 1 : 0, ...(kind === 0 ? [] : [pick(SHRAPNEL)]));
  return points.join("");
};
const LAYERS = {
  ejs: [() => body(3, plain), askEjs],
  mustache: [() => mustaches(3), askMustache],
  wild: [() => (chance(0.3) ? wildMustache(3) : wildBody(2)), askBoth],
  both: [() => body(2, () => pick([plain, () => mustaches(1), () => mustaches(2)])().replaceAll("%>", "")), askBoth],
};

const [make, ask] = LAYERS[layer];
if (layer === "wild") {
  WORDS.push(...WILD_WORDS);
  PARTS.splice(3, 0, "keys");
}
const globals = new Set(Object.keys(globalThis));
const count = Number(countText);
const views = times(Math.min(400, count / 10), view);
const written = layer === "wild" ? TEMPLATES : [];
if (written.length) views.push(VIEW);
const lines = [JSON.stringify({ views })];
while (lines.length <= count) {
  const isWritten = lines.length <= written.length;
  let template = isWritten ? written[lines.length - 1] : make();
  const isDamaged = layer !== "wild" && chance(0.06);
  if (isDamaged) template = damaged(template);
  if (template.length > 600) continue;
  const number = isWritten ? views.length - 1 : below(views.length);
  const { answer, how } = ask(template, structuredClone(views[number]));
  for (const leaked of Object.keys(globalThis)) if (!globals.has(leaked)) delete globalThis[leaked];
  const line = [strip(template), number];
  if (how || isDamaged) line.push(answer ?? null, isDamaged && how !== "refused" && how !== "threw" ? "mutated" : how);
  else line.push(answer);
  lines.push(JSON.stringify(line));
}
for (const line of lines) process.stdout.write(line + "\n");
