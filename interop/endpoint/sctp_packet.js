// SCTP packets and chunks as bytes (RFC 9260, section 3).
import { crc32c } from './crc32c.js'

export const PORT = 5000
export const CHUNK = { DATA: 0, INIT: 1, INIT_ACK: 2, SACK: 3, HEARTBEAT: 4,
	HEARTBEAT_ACK: 5, ABORT: 6, SHUTDOWN: 7, SHUTDOWN_ACK: 8, ERROR: 9,
	COOKIE_ECHO: 10, COOKIE_ACK: 11, SHUTDOWN_COMPLETE: 14 }
export const PARAMETER_COOKIE = 7
const HEADER = 12

// Lengths leave the padding out; what follows starts at a multiple of 4.
function padded(n) {
	return (n + 3) & ~3
}

function block(type_bytes, body) {
	const out = Buffer.alloc(padded(4 + body.length))

	type_bytes.copy(out)
	out.writeUInt16BE(4 + body.length, 2)
	body.copy(out, 4)
	return out
}

export function chunk_write(type, flags, body = Buffer.alloc(0)) {
	return block(Buffer.from([type, flags]), body)
}

export function parameter_write(type, body) {
	return block(Buffer.from([type >> 8, type & 0xff]), body)
}

// init: { tag, window, outbound, inbound, tsn }
export function init_write(type, init, parameters = []) {
	const fixed = Buffer.alloc(16)

	fixed.writeUInt32BE(init.tag, 0)
	fixed.writeUInt32BE(init.window, 4)
	fixed.writeUInt16BE(init.outbound, 8)
	fixed.writeUInt16BE(init.inbound, 10)
	fixed.writeUInt32BE(init.tsn, 12)
	return chunk_write(type, 0, Buffer.concat([fixed, ...parameters]))
}

export function init_parse(body) {
	const parameters = new Map()

	for (let at = 16; at + 4 <= body.length;) {
		const length = body.readUInt16BE(at + 2)

		if (length < 4 || at + length > body.length)
			throw new Error('SCTP parameter beyond its chunk')
		parameters.set(body.readUInt16BE(at),
			body.subarray(at + 4, at + length))
		at += padded(length)
	}
	return { tag: body.readUInt32BE(0), window: body.readUInt32BE(4),
		tsn: body.readUInt32BE(12), parameters }
}

export function packet_write(tag, chunks) {
	const out = Buffer.concat([Buffer.alloc(HEADER), ...chunks])

	out.writeUInt16BE(PORT, 0)
	out.writeUInt16BE(PORT, 2)
	out.writeUInt32BE(tag, 4)
	out.writeUInt32LE(crc32c(out), 8)
	return out
}

export function packet_parse(bytes) {
	const copy = Buffer.from(bytes)
	const chunks = []

	if (bytes.length < HEADER + 4 || bytes.readUInt16BE(0) !== PORT ||
	    bytes.readUInt16BE(2) !== PORT)
		throw new Error('not an SCTP packet of ours')
	copy.writeUInt32LE(0, 8)
	if (crc32c(copy) !== bytes.readUInt32LE(8))
		throw new Error('SCTP packet with a wrong checksum')
	for (let at = HEADER; at < bytes.length;) {
		const length = at + 4 <= bytes.length
			? bytes.readUInt16BE(at + 2) : 0

		if (length < 4 || at + length > bytes.length)
			throw new Error('SCTP chunk beyond its packet')
		chunks.push({ type: bytes[at], flags: bytes[at + 1],
			body: bytes.subarray(at + 4, at + length) })
		at += padded(length)
	}
	return { tag: bytes.readUInt32BE(4), chunks }
}
