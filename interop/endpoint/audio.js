// What is said and heard: 48 kHz, mono, 16 bits, WAV files, and libwebrtc's
// source and sink of samples in pieces of 10 ms.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import wrtc from '@roamhq/wrtc'

const RATE = 48000
const PIECE = RATE / 100
const PIECE_MS = 10
const HEADER = 44
// A clock that jumped is followed, not made up for.
const LATE_MAX = 50
const { RTCAudioSink, RTCAudioSource } = wrtc.nonstandard

function wav_read(path) {
	const file = readFileSync(path)

	for (let at = 12; at + 8 <= file.length;) {
		const size = file.readUInt32LE(at + 4)

		if (file.toString('latin1', at, at + 4) === 'data') {
			const data = file.subarray(at + 8, at + 8 + size)

			return new Int16Array(data.buffer.slice(data.byteOffset,
				data.byteOffset + (data.length & ~1)))
		}
		at += 8 + size + (size & 1)
	}
	throw new Error(`${path}: no samples`)
}

function wav_header(bytes) {
	const head = Buffer.alloc(HEADER)

	head.write('RIFF', 0, 'latin1')
	head.writeUInt32LE(HEADER - 8 + bytes, 4)
	head.write('WAVEfmt ', 8, 'latin1')
	head.writeUInt32LE(16, 16)
	head.writeUInt16LE(1, 20)
	head.writeUInt16LE(1, 22)
	head.writeUInt32LE(RATE, 24)
	head.writeUInt32LE(RATE * 2, 28)
	head.writeUInt16LE(2, 32)
	head.writeUInt16LE(16, 34)
	head.write('data', 36, 'latin1')
	head.writeUInt32LE(bytes, 40)
	return head
}

// The voice: a file over and over, or silence.
export class Voice {
	constructor(path) {
		this.samples = path ? wav_read(path) : new Int16Array(PIECE)
		this.at = 0
		this.muted = false
		this.source = new RTCAudioSource()
		this.track = this.source.createTrack()
		this.pieces = 0
		this.began = performance.now()
		this.timer = setInterval(() => this.tick(), PIECE_MS)
	}

	piece() {
		const samples = new Int16Array(PIECE)

		for (let i = 0; i < PIECE; i++) {
			if (!this.muted)
				samples[i] = this.samples[this.at]
			this.at = (this.at + 1) % this.samples.length
		}
		return samples
	}

	tick() {
		const due = Math.floor((performance.now() - this.began) / PIECE_MS)

		this.pieces = Math.max(this.pieces, due - LATE_MAX)
		for (; this.pieces < due; this.pieces++)
			this.source.onData({ samples: this.piece(),
				sampleRate: RATE, bitsPerSample: 16, channelCount: 1,
				numberOfFrames: PIECE })
	}

	stop() {
		clearInterval(this.timer)
		this.track.stop()
	}
}

// What was heard since the program began; before the first sound and where
// nothing comes, silence.
export class Ear {
	constructor(path) {
		this.file = path ? openSync(path, 'w') : null
		this.written = 0
		this.loud_at = null
		this.began = performance.now()
		if (this.file !== null)
			writeSync(this.file, wav_header(0))
	}

	listen(track) {
		this.silence_fill()
		this.sink?.stop()
		this.sink = new RTCAudioSink(track)
		this.sink.ondata = (data) => this.on_samples(data)
	}

	// The first channel, at our rate: until its decoder knows better,
	// libwebrtc gives silence at 16 kHz.
	on_samples({ samples, channelCount: channels, sampleRate: rate }) {
		const frames = samples.length / channels
		const mono = new Int16Array(Math.round(frames * RATE / rate))

		for (let i = 0; i < mono.length; i++)
			mono[i] = samples[Math.floor(i * rate / RATE) * channels]
		if (this.loud_at === null && mono.some((s) => Math.abs(s) > 500))
			this.loud_at = performance.now() - this.began
		this.write(mono)
	}

	// The header is kept true: others look at the file while it grows.
	write(samples) {
		this.written += samples.length
		if (this.file === null)
			return
		writeSync(this.file, Buffer.from(samples.buffer,
			samples.byteOffset, samples.byteLength))
		writeSync(this.file, wav_header(this.written * 2), 0, HEADER, 0)
	}

	silence_fill() {
		const due = Math.floor((performance.now() - this.began) *
			RATE / 1000)

		if (due > this.written)
			this.write(new Int16Array(due - this.written))
	}

	stop() {
		this.sink?.stop()
		if (this.file === null)
			return
		this.silence_fill()
		closeSync(this.file)
		this.file = null
	}
}
