// Messages on their way out: cut into DATA chunks, sent once the association
// is open, again until the peer's SACK covers them.
import { CHUNK, chunk_write } from './sctp_packet.js'

const FRAGMENT_BYTES = 1100
const T3_MS = 500
const BACKOFF_MAX_MS = 750
const PPID_BINARY = 53

export class Sender {
	constructor(first_tsn, emit) {
		this.emit = emit
		this.tsn = first_tsn
		this.stream_sequence = 0
		this.queue = [] // { tsn, chunk, acked }, not yet acknowledged
		this.is_open = false
		this.repeats = 0
	}

	open() {
		this.is_open = true
		for (const item of this.queue)
			this.emit([item.chunk])
		this.timer_run(T3_MS)
	}

	stop() {
		this.is_open = false
		clearTimeout(this.timer)
	}

	add(bytes) {
		for (let at = 0; at < bytes.length; at += FRAGMENT_BYTES) {
			const end = at + FRAGMENT_BYTES
			const head = Buffer.alloc(12)
			const flags = (at === 0 ? 2 : 0) |
				(end >= bytes.length ? 1 : 0)

			head.writeUInt32BE(this.tsn, 0)
			head.writeUInt16BE(this.stream_sequence, 6)
			head.writeUInt32BE(PPID_BINARY, 8)
			this.put(chunk_write(CHUNK.DATA, flags, Buffer.concat(
				[head, bytes.subarray(at, end)])))
		}
		this.stream_sequence = (this.stream_sequence + 1) & 0xffff
	}

	put(chunk) {
		this.queue.push({ tsn: this.tsn, chunk, acked: false })
		this.tsn = (this.tsn + 1) >>> 0
		if (!this.is_open)
			return
		this.emit([chunk])
		if (this.queue.length === 1)
			this.timer_run(T3_MS)
	}

	timer_run(wait) {
		clearTimeout(this.timer)
		if (!this.queue.length)
			return
		this.timer = setTimeout(() => {
			for (const item of this.queue)
				if (!item.acked)
					this.emit([item.chunk])
			this.repeats++
			this.timer_run(Math.min(2 * wait, BACKOFF_MAX_MS))
		}, wait)
	}

	on_sack(body) {
		const cumulative = body.readUInt32BE(0)
		const gaps = body.readUInt16BE(8)
		const before = this.queue.length

		this.queue = this.queue.filter(
			(item) => ((item.tsn - cumulative) | 0) > 0)
		for (const item of this.queue) {
			const offset = (item.tsn - cumulative) >>> 0

			for (let i = 0; i < gaps; i++)
				item.acked ||= offset >=
					body.readUInt16BE(12 + 4 * i) &&
					offset <= body.readUInt16BE(14 + 4 * i)
		}
		if (this.queue.length !== before)
			this.timer_run(T3_MS)
	}
}
