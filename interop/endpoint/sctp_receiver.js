// Arriving DATA: order, reassembly, and the SACK that tells of it.
import { CHUNK, chunk_write } from './sctp_packet.js'

const UNORDERED = 4
const BEGINS = 2
const ENDS = 1
const AHEAD_MAX = 1000
const PPID_BINARY = 53
const WINDOW_BYTES = 0x500000

export class Receiver {
	constructor(on_message) {
		this.on_message = on_message
		this.reset(0)
	}

	reset(tsn) {
		this.cumulative = (tsn - 1) >>> 0
		this.waiting = new Map() // tsn: chunk
		this.repeated = []
		this.parts = []
		this.sack_due = false
	}

	on_data(chunk) {
		const tsn = chunk.body.readUInt32BE(0)
		const ahead = (tsn - this.cumulative) | 0

		if (chunk.body.length <= 12)
			throw new Error('SCTP DATA without data')
		this.sack_due = true
		if (ahead <= 0 || this.waiting.has(tsn)) {
			this.repeated.push(tsn)
			return
		}
		if (ahead > AHEAD_MAX)
			return
		this.waiting.set(tsn, { flags: chunk.flags,
			stream: chunk.body.readUInt16BE(4),
			ppid: chunk.body.readUInt32BE(8),
			data: Buffer.from(chunk.body.subarray(12)) })
		this.deliver()
	}

	deliver() {
		for (;;) {
			const next = (this.cumulative + 1) >>> 0
			const chunk = this.waiting.get(next)

			if (!chunk)
				return
			this.waiting.delete(next)
			this.cumulative = next
			this.assemble(chunk)
		}
	}

	// One ordered stream: messages come in the order of their TSNs.
	assemble(chunk) {
		if (chunk.stream !== 0 || chunk.ppid !== PPID_BINARY ||
		    chunk.flags & UNORDERED)
			throw new Error(`SCTP DATA of stream ${chunk.stream}, ` +
				`PPID ${chunk.ppid}`)
		if (chunk.flags & BEGINS)
			this.parts = []
		this.parts.push(chunk.data)
		if (!(chunk.flags & ENDS))
			return
		const message = Buffer.concat(this.parts)
		this.parts = []
		this.on_message(message)
	}

	gaps() {
		const offsets = [...this.waiting.keys()]
			.map((tsn) => (tsn - this.cumulative) >>> 0)
			.sort((a, b) => a - b)
		const gaps = []

		for (const offset of offsets) {
			const last = gaps.at(-1)

			if (last && last[1] === offset - 1)
				last[1] = offset
			else
				gaps.push([offset, offset])
		}
		return gaps
	}

	sack_take() {
		if (!this.sack_due)
			return null
		const gaps = this.gaps()
		const body = Buffer.alloc(12 + 4 * gaps.length +
			4 * this.repeated.length)
		let at = 12

		body.writeUInt32BE(this.cumulative, 0)
		body.writeUInt32BE(WINDOW_BYTES, 4)
		body.writeUInt16BE(gaps.length, 8)
		body.writeUInt16BE(this.repeated.length, 10)
		for (const offset of gaps.flat()) {
			body.writeUInt16BE(offset, at)
			at += 2
		}
		for (const tsn of this.repeated) {
			body.writeUInt32BE(tsn, at)
			at += 4
		}
		this.sack_due = false
		this.repeated = []
		return chunk_write(CHUNK.SACK, 0, body)
	}
}
