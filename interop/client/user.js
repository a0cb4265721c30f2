// What all steered users share: the call that is going on, its media, and what
// is told of it. A library's User adds login(), call() and so on, and reports
// what happens by the on_... methods.
import { createHash } from 'node:crypto'
import { Media } from './media.js'

export const API_ID = 4242
export const API_HASH = '0123456789abcdef0123456789abcdef'
export const VERSIONS = ['13.0.0', '12.0.0', '9.0.0', '8.0.0', '7.0.0']

export class SteeredUser {
	constructor(say) {
		this.say = say
		this.endpoint = null // { program, in, out } of later calls
		this.media = null
		this.early = []      // signalling that came before the media
	}

	// Which program carries the media of calls from now on.
	async use_endpoint({ program, in: spoken, out }) {
		this.endpoint = { program, in: spoken, out }
	}

	on_text(text) {
		this.say({ event: 'text', text })
	}

	on_file(name, data) {
		this.say({ event: 'file', name, bytes: data.length,
			sha256: createHash('sha256').update(data).digest('hex') })
	}

	on_call(state, fields = {}) {
		this.say({ event: 'call', state, ...fields })
	}

	// call: as for Media, with emoji (text) and user.
	on_ready(call) {
		const sha1 = createHash('sha1').update(call.key).digest()

		this.on_call('ready', { version: call.version, emoji: call.emoji,
			outgoing: call.outgoing, p2p: call.p2p,
			key_fingerprint: String(sha1.readBigInt64LE(12)) })
		if (!this.endpoint)
			return
		this.media = new Media(call, this.endpoint, {
			signal: (blob) => this.signal_queue(blob),
			state: (state) => this.say({ event: 'media', state }),
			stats: (stats) => this.say({ event: 'stats', stats }),
		})
		this.sending = Promise.resolve()
		for (const blob of this.early.splice(0))
			this.media.signal(blob)
	}

	// One at a time and in order.
	signal_queue(blob) {
		this.sending = this.sending.then(() =>
			this.media && this.signal_send(blob)).catch((error) =>
			this.say({ event: 'signal-refused', error: error.message }))
	}

	on_signal(blob) {
		if (this.media)
			this.media.signal(blob)
		else
			this.early.push(blob)
	}

	async on_ended(reason) {
		const media = this.media

		this.media = null
		this.early = []
		await media?.stop()
		this.on_call('ended', { reason })
	}

	async stop() {
		await this.media?.stop()
	}
}
