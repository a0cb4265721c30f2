// Raw framing (7.0.0): counter and JSON, encrypted. With gzip it is what 12.0.0
// and 13.0.0 put into SCTP messages.
import { gunzipSync, gzipSync } from 'node:zlib'
import { Window } from './window.js'

const COUNTER_MASK = 0x3fffffff
const INFLATED_MAX = 2 << 20

export function json_unpack(body) {
	const packed = body[0] === 0x1f && body[1] === 0x8b

	return JSON.parse(packed
		? gunzipSync(body, { maxOutputLength: INFLATED_MAX })
		: body)
}

export class RawFraming {
	// handlers: send(blob), message(object)
	constructor(cipher, handlers, { gzip = false } = {}) {
		this.cipher = cipher
		this.handlers = handlers
		this.gzip = gzip
		this.counter = 0
		this.window = new Window()
	}

	start() {}

	stop() {}

	send(message) {
		const json = Buffer.from(JSON.stringify(message))
		const head = Buffer.alloc(4)

		head.writeUInt32BE(++this.counter)
		this.handlers.send(this.cipher.encrypt(Buffer.concat(
			[head, this.gzip ? gzipSync(json) : json])))
	}

	receive(blob) {
		const plain = this.cipher.decrypt(blob)

		if (this.window.accept(plain.readUInt32BE(0) & COUNTER_MASK))
			this.handlers.message(json_unpack(plain.subarray(4)))
	}
}
