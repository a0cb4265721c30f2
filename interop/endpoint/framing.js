// How signalling travels, by the library version that the call agreed on.
import { AckedFraming } from './acked.js'
import { Cipher } from './cipher.js'
import { RawFraming } from './raw.js'
import { Association } from './sctp.js'

// 11.0.0 to 13.0.0: an SCTP association whose messages are raw packets.
class SctpFraming {
	constructor(cipher, handlers) {
		this.raw = new RawFraming(cipher, {
			send: (packet) => this.association.send(packet),
			message: handlers.message,
		}, { gzip: true })
		this.association = new Association({
			send: handlers.send,
			message: (bytes) => this.raw.receive(bytes),
		})
	}

	start() {
		this.association.start()
	}

	stop() {
		this.association.stop()
	}

	send(message) {
		this.raw.send(message)
	}

	receive(blob) {
		this.association.receive(blob)
	}
}

const FRAMINGS = {
	'13.0.0': SctpFraming,
	'12.0.0': SctpFraming,
	'11.0.0': SctpFraming,
	'10.0.0': AckedFraming,
	'9.0.0': AckedFraming,
	'8.0.0': AckedFraming,
	'7.0.0': RawFraming,
}

export const VERSIONS = Object.keys(FRAMINGS)

export function framing_new(version, key, outgoing, handlers) {
	return new FRAMINGS[version](new Cipher(key, outgoing), handlers)
}
