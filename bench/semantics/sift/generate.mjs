// Writes seeded random cases with the answers of the npm package sift 17.1.4, one JSON array a line:
//   [condition, document, true | false | "refused"]
// Dates stand as {"@date": milliseconds}. "refused" means that sift threw.
//
// Half of them are of the kind an operator would write, the other half are meant to break something:
// near misses of what the document holds, names of JavaScript's own, numbers at the edges of a double,
// halves of characters, letters whose cases differ in length.
//
//   node generate.mjs --modules DIR --seed 1 --cases 12000      (DIR holds node_modules/sift)

import { createRequire } from "node:module";
import path from "node:path";
import { parseArgs } from "node:util";
import { CONDITIONS, DOCUMENTS } from "../by_hand.mjs";

process.env.TZ = "UTC";
const { values: given } = parseArgs({
  options: {
    modules: { type: "string" },
    seed: { type: "string", default: "1" },
    cases: { type: "string", default: "12000" },
  },
});
const require = createRequire(path.join(path.resolve(given.modules), "from.js"));
const version = require("sift/package.json").version;
if (version !== "17.1.4") throw new Error(`sift 17.1.4 is wanted, this is ${version}`);
const sift = require("sift").default ?? require("sift");

let state = Number(given.seed) >>> 0;
function random() {
  state = (state + 0x9e3779b9) >>> 0;
  let mixed = state ^ (state >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}
const below = (count) => Math.floor(random() * count);
const pick = (list) => list[below(list.length)];
const chance = (share) => random() < share;
const times = (count, make) => Array.from({ length: count }, make);

let isWild = false;

// ── documents ────────────────────────────────────────────────────────────────────────────────

const NAMES = ["a", "b", "c", "d", "a", "b", "0", "1", "length", "values", ""];
const NUMBERS = [0, 1, -1, 2, 3, 5, 7, -7, 2.5, 10, 100, 1e21, 1e-7, 123456789.125, 9007199254740993];
const TEXTS = [
  "", "0", "1", "5", " 7 ", "0x10", "a", "b", "abc", "ABC", "Abc", "ab\n", "a\nb", "new", "modified",
  "Łódź", "łódź", "Straße", "ſ", "K", "😀", "\uff5e", "a😀b", "null", "true", "2026-07-01", "a.b", "a/b",
  "aaa", "abab", "foo bar", "foo_bar9", "\u00a0x", "a\u2028b", "[object Object]", "1,2", "-", "é",
];

const WILD_NAMES = [
  "a", "b", "c", "x", "0", "1", "2", "length", "name", "id", "tags", "items", "value", "", "-1", "01", "1.5", "values", "keys",
  "at", "map", "link", "constructor", "valueOf", "toString", "hasOwnProperty", "toJSON", "ą", "😀", "a b",
];
const WILD_NUMBERS = [
  0, -0, 1, -1, 2, 3, 4, 7, -7, 0.1, 0.2, 0.30000000000000004, 1.5, -2.5, 100, 1e21, 1e-7, 5e-324, 1.7976931348623157e308,
  2 ** 53, 2 ** 53 + 2, -(2 ** 53), 123456789012345680000, 4294967296, 2147483648, -2147483648, 123.456,
];
const WILD_TEXTS = [
  "", "0", "1", "-1", "1.0", "01", " 1", "1 ", "1e0", "0x1", "0b1", "Infinity", "-Infinity", "NaN", "null", "undefined", "true",
  "false", "a", "b", "A", "ab", "aB", "abc", "[object Object]", "1,2", "a,b", ",", "\u0000", "\n", "a\nb", "\r\n", "\u2028",
  "\ufeff", "\u00a0", "é", "e\u0301", "ß", "SS", "İ", "ı", "i", "I", "ſ", "K", "ö", "Ω", "\u2126", "😀", "😁", "\ud83d",
  "\ude00", "\uffff", "z", "_", "-", "日本", "مرحبا", "ąęó", "2026-07-01T00:00:00.000Z", "new", "x".repeat(300),
];
const names = () => pick(isWild && chance(0.85) ? WILD_NAMES.slice(0, 14) : isWild ? WILD_NAMES : NAMES);
const numbers = () => pick(isWild ? WILD_NUMBERS : NUMBERS);
const texts = () => pick(isWild ? WILD_TEXTS : TEXTS);

function scalar() {
  const kind = below(12);
  if (kind < 2) return null;
  if (kind < 4) return chance(0.5);
  if (kind < 8) return numbers();
  if (kind < 9 && chance(0.3)) return { "@date": pick([0, 5, -1, 1751328000000, 1751328000123]) };
  return texts();
}

function value(depth) {
  const kind = below(10);
  if (depth <= 0 || kind < 5) return scalar();
  if (kind < 8) return times(below(4), () => value(depth - 1));
  return record(depth - 1);
}

function record(depth) {
  const made = {};
  for (let left = below(4); left > 0; left--) made[names()] = value(depth);
  return made;
}

function records(depth) {
  return times(below(4), () => (chance(0.85) ? record(depth) : scalar()));
}

function reservation() {
  return {
    status: pick(["new", "modified", "cancelled", "inquiry"]),
    listingMapId: pick([1234, 1042, 77, null]),
    numberOfNights: pick([1, 3, 7, 8, 30, "7"]),
    guestLocale: pick(["pl", "en", "de", "ar", null]),
    listing: { city: pick(["Warsaw", "Dubai", "Łódź"]), amenities: times(below(4), () => pick(["wifi", "pool", "parking"])) },
    customFields: times(below(4), () => ({ id: below(4), name: pick(["code", "wifi"]), value: scalar() })),
    ...(chance(0.3) ? { cancelledAt: pick([null, "2026-07-01"]) } : {}),
  };
}

function document() {
  const kind = below(20);
  if (kind === 0) return {};
  if (kind < 5) return reservation();
  const made = record(3);
  made.a = chance(0.4) ? records(2) : value(3);
  if (chance(0.6)) made.b = value(3);
  if (isWild && chance(0.3)) {
    made.items = times(below(4), () => ({ id: numbers(), tags: times(below(3), scalar), sub: times(below(3), () => record(1)) }));
  }
  return made;
}

// ── conditions ───────────────────────────────────────────────────────────────────────────────

function everything(within) {
  const found = [];
  const visit = (at, item) => {
    if (at.length) found.push([at.join("."), item]);
    if (item && typeof item === "object" && !("@date" in item)) {
      for (const key of Object.keys(item)) {
        const skips = Array.isArray(item) && chance(0.6);
        visit(skips ? at : [...at, key], item[key]);
      }
    }
  };
  visit([], within);
  return found;
}

function place(seen) {
  if (seen.length && chance(0.75)) {
    const known = pick(seen)[0];
    if (!isWild || chance(0.83)) return known;
    return chance(0.7) ? `${known}.${names()}` : known.split(".").slice(0, -1).join(".");
  }
  const extras = ["a.length", "a.values", "b.link", "a.constructor", "a.b.length", "a.toString", "zz", "a.zz", "a.1e0", "a.00", "a. "];
  if (chance(0.1)) return pick(extras);
  return times(1 + below(3), names).join(".");
}

// Something that is almost the value: where equality, order and types are decided.
function nearly(known) {
  if (Array.isArray(known)) {
    const items = [...known];
    if (items.length && chance(0.3)) return items[0];
    if (chance(0.3)) return items.reverse();
    if (chance(0.4)) items.push(scalar());
    else if (items.length) items[below(items.length)] = scalar();
    return items;
  }
  if (known && typeof known === "object" && !("@date" in known)) {
    const fields = Object.entries(known);
    if (chance(0.3)) fields.reverse();
    else if (chance(0.4)) fields.push([names(), scalar()]);
    else if (fields.length) fields[below(fields.length)][1] = scalar();
    return Object.fromEntries(fields);
  }
  if (typeof known === "number") return pick([known + 1, known - 1, -known, String(known), known === 1, [known]]);
  if (typeof known === "string") return pick([`${known} `, known.toUpperCase(), known.toLowerCase(), known.slice(1), Number(known) || 0, [known], known.normalize("NFD")]);
  if (typeof known === "boolean") return pick([Number(known), String(known), !known]);
  return known === null ? pick([0, "", false, "null", {}, [], [null]]) : known;
}

function operand(seen) {
  if (seen.length && chance(0.6)) {
    const known = pick(seen)[1];
    return isWild && chance(0.35) ? nearly(known) : known;
  }
  return chance(0.8) ? scalar() : value(2);
}

const ATOMS = [
  "a", "b", "A", "c", "foo", ".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "[abc]", "[^a]", "[a-z]", "[A-Z0-9]", "\\b", "\\B",
  "^", "$", "\\.", "\\/", "/", "[\\w-]", "[^]", "[]", "ł", "ß", "[à-ÿ]", "😀", "\\n", "\\x61", "\\u0061", "{", "}", "]", "a{,2}", "[\\d\\s]",
  "\\t", "ſ", "k", "s", "[^\\W]", "[b\\-x]", "\\-", "_", " ", ",", "\\cJ", "\\0", "[\\b]", "é", "[😀]", "\\$", "-", "1", "0",
];
const WILD_ATOMS = [
  "a", "b", "\\D", "\\W", "\\S", "[^a]", "\\b", "\\B", "^", "$", ".", "[^]", "[]", "ß", "ſ", "K", "İ", "ı", "😀", "[😀😁]", "\\ud83d",
  "\\u{1F600}", "\\p{L}", "\\P{Lu}", "(?:)", "()", "|", "\\0", "[\\d-x]", "[--a]", "[^\\s\\S]", "(?=)", "(?!)", "\\_", "é", "e\u0301", "م",
  "[\\u0600-\\u06ff]", "[\\cA]", "\\c", "\\c1", "[\\c]", "[\\c1]", "[\\c_]", "\\8", "\\07", "\\18", "\\377", "\\400", "\\k", "[\\k]", "[\\1]",
  "[(]", "\\(", "x{0}", "x{2,3}?", "\\u12", "\\xg", "[z-a]", "(?<=a)", "(?<!a)", "(?<=^|b)", "a**", "(", "[a", "\\",
];
const SUFFIXES = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,1}", "{2,}", "{0}"];

function pattern(depth) {
  const pieces = times(below(4) + (depth === 2 ? 1 : 0), () => {
    if (depth <= 0 || chance(0.75)) return pick(isWild ? WILD_ATOMS : ATOMS) + (chance(0.25) ? pick(SUFFIXES) : "");
    const opening = pick(["(", "(", "(?:", "(?=", "(?!", "(?<=", "(?<!", `(?<n${below(1000)}>`]);
    return `${opening}${pattern(depth - 1)})` + (chance(0.35) ? pick(SUFFIXES) : "");
  });
  return pieces.join("") + (chance(0.12) ? `|${pattern(depth - 1)}` : "");
}

function expression(seen) {
  const made = {};
  if (chance(0.5)) {
    const text = seen.map((one) => one[1]).filter((one) => typeof one === "string" && one);
    const base = text.length ? pick(text) : "ab";
    const start = below(base.length);
    made.$regex = pick(["", "^"]) + base.slice(start, start + 1 + below(4)).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&") + pick(["", "$"]);
  } else {
    made.$regex = chance(0.04) ? operand(seen) : pattern(2);
  }
  if (chance(0.5)) made.$options = chance(0.03) ? pick(["x", "ii", "", null, 5]) : pick(["i", "m", "s", "im", "u", "iu", "y", "g", "gi", "su", "my", "ims"]);
  return made;
}

function operators(seen, depth) {
  const made = {};
  for (let left = chance(0.75) ? 1 : 2; left > 0; left--) Object.assign(made, operator(seen, depth));
  return made;
}

function operator(seen, depth) {
  const list = (count) => times(below(count), () => operand(seen));
  switch (below(20)) {
    case 0: return { $eq: operand(seen) };
    case 1: return { $ne: operand(seen) };
    case 2: return { $gt: operand(seen) };
    case 3: return { $gte: operand(seen) };
    case 4: return { $lt: operand(seen) };
    case 5: return { $lte: operand(seen) };
    case 6: return { $in: chance(0.95) ? list(4) : operand(seen) };
    case 7: return { $nin: chance(0.95) ? list(4) : operand(seen) };
    case 8: return { $all: times(below(4), () => (chance(0.7) || depth <= 0 ? operand(seen) : operators(seen, depth - 1))) };
    case 9: return { $size: chance(0.9) ? below(4) : operand(seen) };
    case 10: return { $mod: chance(0.9) ? [pick([1, 2, 3, 4, -3, 0, 2.5, "2"]), pick([0, 1, 2, -1, 0.5, "0"])] : operand(seen) };
    case 11: return { $exists: chance(0.8) ? chance(0.5) : operand(seen) };
    case 12: return { $type: pick(["number", "string", "bool", "array", "null", "timestamp"]) };
    case 13: case 14: return expression(seen);
    case 15: return { $elemMatch: depth <= 0 ? { $gt: scalar() } : chance(0.97) ? query(seen, depth - 1) : operand(seen) };
    case 16: return { $elemMatch: operators(seen, depth - 1) };
    case 17: case 18: return { $not: depth <= 0 ? { $eq: operand(seen) } : chance(0.9) ? pick([operators, query])(seen, depth - 1) : operand(seen) };
    default: return chance(0.05) ? { [pick(["$and", "$foo", "$Size", "$options", "$or"])]: [{}] } : { $eq: operand(seen) };
  }
}

function query(seen, depth) {
  const made = {};
  for (let left = chance(0.03) ? 0 : 1 + (chance(0.35) ? below(3) : 0); left > 0; left--) {
    const kind = below(20);
    if (kind < 4 && depth > 0) {
      const name = pick(["$and", "$or", "$nor"]);
      made[name] = chance(0.02) ? operand(seen) : times(chance(0.02) ? 0 : 1 + below(3), () => (chance(0.97) ? query(seen, depth - 1) : operand(seen)));
    } else if (kind < 6) {
      Object.assign(made, operators(seen, depth - 1));
    } else if (kind < 10) {
      made[place(seen)] = operand(seen);
    } else {
      // Mostly a value of the very place it is compared with, or nothing would ever match.
      const at = place(seen);
      const near = seen.filter((one) => one[0] === at || one[0].startsWith(`${at}.`));
      made[at] = operators(near.length && chance(0.7) ? near : seen, depth - 1);
      if (chance(0.01)) made[at].b = 1;
    }
  }
  return made;
}

// ── answers ──────────────────────────────────────────────────────────────────────────────────

function revived(item) {
  if (Array.isArray(item)) return item.map(revived);
  if (!item || typeof item !== "object") return item;
  if ("@date" in item) return new Date(item["@date"]);
  return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, revived(inner)]));
}

function answer(condition, within) {
  try {
    return sift(revived(condition))(revived(within));
  } catch {
    return "refused";
  }
}

for (const condition of CONDITIONS) {
  for (const within of DOCUMENTS) process.stdout.write(JSON.stringify([condition, within, answer(condition, within)]) + "\n");
}
for (let left = Number(given.cases); left > 0; left--) {
  isWild = chance(0.5);
  // As JSON, because that is what both sides can hold: no -0.
  const within = JSON.parse(JSON.stringify(document()));
  const condition = JSON.parse(JSON.stringify(query(everything(within), below(isWild ? 5 : 4))));
  process.stdout.write(JSON.stringify([condition, within, answer(condition, within)]) + "\n");
}
