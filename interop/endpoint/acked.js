// Acked framing (8.0.0, 9.0.0): packets of entries, each `u32 seq, u8 type,
// body`; messages are repeated until the peer acknowledges them.
import { json_unpack } from './raw.js'
import { Window } from './window.js'

const NEEDS_ACK = 0x40000000
const SINGLE = 0x80000000
const COUNTER_MASK = 0x3fffffff
const TYPE_JSON = 127
const TYPE_EMPTY = 254
const TYPE_ACK = 255
const JSON_MAX = 1 << 20
const PACKET_MAX = 16 * 1024 - 16
const RESEND_AFTER_MS = 5000
const REPEAT_MIN_MS = 3000
const ACK_WITHIN_MS = 5000
const TICK_MS = 250

function entry(seq, type, body = Buffer.alloc(0)) {
	const head = Buffer.alloc(5)

	head.writeUInt32BE(seq >>> 0)
	head[4] = type
	return Buffer.concat([head, body])
}

function entries_parse(plain) {
	const entries = []
	let at = 0

	while (at < plain.length) {
		const seq = plain.readUInt32BE(at)
		const type = plain.readUInt8(at + 4)
		let body = null

		at += 5
		if (type === TYPE_JSON) {
			const length = plain.readUInt32BE(at)

			if (length > JSON_MAX || at + 4 + length > plain.length)
				throw new Error('message longer than its packet')
			body = plain.subarray(at + 4, at + 4 + length)
			at += 4 + length
		} else if (type === TYPE_EMPTY ? entries.length > 0
			: type !== TYPE_ACK || !entries.length) {
			throw new Error(`entry ${type} at ${entries.length}`)
		}
		if ((seq & SINGLE) && (entries.length || at < plain.length))
			throw new Error('single message in company')
		entries.push({ seq, counter: seq & COUNTER_MASK, type, body,
			needs_ack: Boolean(seq & NEEDS_ACK) })
	}
	return entries
}

export class AckedFraming {
	// handlers: send(blob), message(object)
	constructor(cipher, handlers) {
		this.cipher = cipher
		this.handlers = handlers
		this.counter = 0
		this.window = new Window()
		this.unacked = [] // { seq, bytes, sent }
		this.acks = []
		this.acks_due = Infinity
		this.delivered = new Set() // counters of messages with acks
	}

	start() {
		this.timer = setInterval(() => this.tick(), TICK_MS)
	}

	stop() {
		clearInterval(this.timer)
	}

	send(message) {
		const json = Buffer.from(JSON.stringify(message))
		const head = Buffer.alloc(4)
		const seq = ++this.counter | NEEDS_ACK
		const alone = !this.unacked.length

		head.writeUInt32BE(json.length)
		const added = { seq, sent: 0,
			bytes: entry(seq, TYPE_JSON, Buffer.concat([head, json])) }
		this.unacked.push(added)
		if (alone) {
			added.sent = Date.now()
			this.packet_send(added.bytes, [])
		} else {
			this.packet_send(this.empty(), this.unacked)
		}
	}

	empty() {
		return entry(++this.counter, TYPE_EMPTY)
	}

	packet_send(first, messages) {
		const parts = [first,
			...this.acks.map((seq) => entry(seq, TYPE_ACK))]
		let size = parts.reduce((sum, part) => sum + part.length, 0)

		this.acks = []
		this.acks_due = Infinity
		for (const message of messages) {
			size += message.bytes.length
			if (size > PACKET_MAX)
				break
			message.sent = Date.now()
			parts.push(message.bytes)
		}
		this.handlers.send(this.cipher.encrypt(Buffer.concat(parts)))
	}

	tick() {
		const now = Date.now()
		const oldest = this.unacked[0]

		if (oldest && now - oldest.sent >= RESEND_AFTER_MS)
			this.packet_send(this.empty(), this.unacked.filter(
				(m) => now - m.sent >= REPEAT_MIN_MS))
		else if (now >= this.acks_due)
			this.packet_send(this.empty(), [])
	}

	receive(blob) {
		const entries = entries_parse(this.cipher.decrypt(blob))
		const fresh = []
		let lowest = Infinity

		if (!this.window.accept(entries[0].counter))
			return
		for (const e of entries) {
			if (e.type === TYPE_ACK)
				this.unacked = this.unacked.filter(
					(m) => m.seq !== e.seq)
			if (!e.needs_ack || e.type === TYPE_ACK)
				continue
			lowest = Math.min(lowest, e.counter)
			this.acks.push(e.seq)
			this.acks_due = Math.min(this.acks_due,
				Date.now() + ACK_WITHIN_MS)
			if (!this.delivered.has(e.counter))
				fresh.push(e)
			this.delivered.add(e.counter)
		}
		for (const counter of this.delivered)
			if (lowest !== Infinity && counter < lowest)
				this.delivered.delete(counter)
		if (fresh.length)
			this.packet_send(this.empty(), [])
		for (const e of fresh)
			this.handlers.message(json_unpack(e.body))
	}
}
