// Encryption of one signalling packet: msg_key(16) and AES-256-CTR, keyed from
// the 256-byte call key and the direction.
import { createCipheriv, createDecipheriv, createHash,
	timingSafeEqual } from 'node:crypto'

const SIGNALLING = 128
const SIZE_MIN = 21
const SIZE_MAX = 131072

function sha256(...parts) {
	const hash = createHash('sha256')

	for (const part of parts)
		hash.update(part)
	return hash.digest()
}

export class Cipher {
	constructor(key, outgoing) {
		this.key = key
		this.send_offset = (outgoing ? 0 : 8) + SIGNALLING
		this.receive_offset = (outgoing ? 8 : 0) + SIGNALLING
	}

	msg_key(x, plain) {
		return sha256(this.key.subarray(88 + x, 120 + x), plain)
			.subarray(8, 24)
	}

	stream(x, msg_key) {
		const a = sha256(msg_key, this.key.subarray(x, x + 36))
		const b = sha256(this.key.subarray(40 + x, 76 + x), msg_key)

		return [
			Buffer.concat([a.subarray(0, 8), b.subarray(8, 24),
				a.subarray(24, 32)]),
			Buffer.concat([b.subarray(0, 4), a.subarray(8, 16),
				b.subarray(24, 28)]),
		]
	}

	encrypt(plain) {
		const x = this.send_offset
		const msg_key = this.msg_key(x, plain)
		const cipher = createCipheriv('aes-256-ctr',
			...this.stream(x, msg_key))

		return Buffer.concat([msg_key, cipher.update(plain)])
	}

	// The plain text, or an Error.
	decrypt(packet) {
		if (packet.length < SIZE_MIN || packet.length > SIZE_MAX)
			throw new Error(`packet of ${packet.length} bytes`)
		const x = this.receive_offset
		const msg_key = packet.subarray(0, 16)
		const plain = createDecipheriv('aes-256-ctr',
			...this.stream(x, msg_key)).update(packet.subarray(16))

		if (!timingSafeEqual(this.msg_key(x, plain), msg_key))
			throw new Error('packet with a wrong msg_key')
		return plain
	}
}
