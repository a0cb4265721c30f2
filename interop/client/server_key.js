// The RSA key of a data centre, as Telegram's clients name it.
import { createHash } from 'node:crypto'

// TL's bytes: length, content, zeros up to a multiple of four.
function tl_bytes(bytes) {
	const head = bytes.length < 254
		? Buffer.from([bytes.length])
		: Buffer.from([254, bytes.length & 255, bytes.length >> 8 & 255,
			bytes.length >> 16])
	const rest = (head.length + bytes.length) % 4

	return Buffer.concat([head, bytes, Buffer.alloc(rest ? 4 - rest : 0)])
}

// key: a KeyObject; a signed 64-bit number.
export function key_fingerprint(key) {
	const hash = createHash('sha1')

	for (const part of ['n', 'e'])
		hash.update(tl_bytes(Buffer.from(
			key.export({ format: 'jwk' })[part], 'base64url')))
	return hash.digest().readBigInt64LE(12)
}
