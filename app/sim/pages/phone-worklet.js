// Sound between a browser's rate and a telephone line's: 8 kHz mu-law in pieces of 20 ms.

const LINE_RATE = 8000, PIECE = 160;

/** One stream at another rate, by a windowed sinc; what the lower rate cannot carry is cut off. */
class Resampler {
  constructor(from, to) {
    const scale = Math.min(1, to / from);
    this.step = from / to;
    this.half = Math.ceil(12 / scale);
    this.cutoff = 0.9 * scale;
    this.grain = 64;
    this.kernel = Float32Array.from({ length: this.half * this.grain + 2 }, (_, at) => {
      const x = at / this.grain, window = 0.5 + 0.5 * Math.cos(Math.PI * Math.min(1, x / this.half));
      const angle = Math.PI * this.cutoff * x;
      return this.cutoff * window * (x === 0 ? 1 : Math.sin(angle) / angle);
    });
    this.waiting = new Float32Array(this.half);
    this.position = this.half;
  }
  push(samples) {
    const all = new Float32Array(this.waiting.length + samples.length);
    all.set(this.waiting);
    all.set(samples, this.waiting.length);
    const made = [];
    while (this.position + this.half < all.length) {
      let sum = 0;
      for (let at = Math.ceil(this.position - this.half); at < this.position + this.half; at++) {
        sum += all[at] * this.kernel[Math.round(Math.abs(at - this.position) * this.grain)];
      }
      made.push(sum);
      this.position += this.step;
    }
    const done = Math.max(0, Math.floor(this.position) - this.half);
    this.waiting = all.slice(done);
    this.position -= done;
    return made;
  }
}

function encoded(sample) {
  let value = Math.max(-32635, Math.min(32635, Math.round(sample * 32767)));
  const sign = value < 0 ? 0x80 : 0;
  value = Math.abs(value) + 0x84;
  const exponent = 31 - Math.clz32(value) - 7;
  return ~(sign | (exponent << 4) | ((value >> (exponent + 3)) & 0x0f)) & 0xff;
}

const VALUES = Float32Array.from({ length: 256 }, (_, code) => {
  const turned = ~code & 0xff, exponent = (turned >> 4) & 7;
  const value = ((((turned & 15) << 3) + 0x84) << exponent) - 0x84;
  return (turned & 0x80 ? -value : value) / 32768;
});

/** Gives pieces of the line as they are spoken, each with how loud it was. */
class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, LINE_RATE);
    this.piece = new Uint8Array(PIECE);
    this.filled = 0;
    this.energy = 0;
  }
  process([input]) {
    if (!input.length) return true;
    for (const sample of this.resampler.push(input[0])) {
      this.piece[this.filled++] = encoded(sample);
      this.energy += sample * sample;
      if (this.filled < PIECE) continue;
      this.port.postMessage({ piece: this.piece, loud: Math.sqrt(this.energy / PIECE) });
      this.piece = new Uint8Array(PIECE);
      this.filled = this.energy = 0;
    }
    return true;
  }
}

/** Plays pieces of the line, 60 ms behind their coming; `clear` forgets what waits. */
class Earpiece extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(LINE_RATE, sampleRate);
    this.waiting = [];
    this.at = 0;
    this.isDry = true;
    this.port.onmessage = ({ data }) => {
      if (data === "clear") return void this.forget();
      const samples = Float32Array.from(data, (code) => VALUES[code]);
      this.waiting.push(...this.resampler.push(samples));
      if (this.waiting.length - this.at > sampleRate * 0.4) this.at = this.waiting.length - sampleRate * 0.1;
    };
  }
  forget() {
    this.waiting = [];
    this.at = 0;
    this.isDry = true;
  }
  process(_, [output]) {
    const there = this.waiting.length - this.at;
    if (this.isDry && there < sampleRate * 0.06) return true;
    this.isDry = there < output[0].length;
    for (let i = 0; i < output[0].length; i++) output[0][i] = this.waiting[this.at++] ?? 0;
    if (this.at > sampleRate) {
      this.waiting = this.waiting.slice(this.at);
      this.at = 0;
    }
    return true;
  }
}

registerProcessor("microphone", Microphone);
registerProcessor("earpiece", Earpiece);
