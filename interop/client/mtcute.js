// A steered user on @mtcute/node.
import { readFileSync } from 'node:fs'
import Long from 'long'
import { Account, key_trust } from '../mtproto/client.js'
import { Phone } from './phone.js'
import { SteeredUser, VERSIONS } from './user.js'

export class User extends SteeredUser {
	// options: { layer: 'own'|'gateway', pfs }
	constructor(server, options, say) {
		super(say)
		this.server = { ...server, layer: options.layer ?? 'own',
			pfs: options.pfs }
		this.phone = new Phone({
			invoke: (query) => this.client.call(query),
			kind: (object) => object._,
			user: (id) => this.client.resolveUser(id),
			long: (decimal) => Long.fromString(decimal),
		}, this)
	}

	async open() {
		await key_trust(this.server.key)
		this.account = new Account(this.server)
		this.client = this.account.client
		this.client.onRawUpdate.add(({ update }) => this.on_update(update))
		this.client.onNewMessage.add((message) => this.on_message(message))
	}

	async on_update(update) {
		try {
			if (update._ === 'updatePhoneCall')
				await this.phone.on_update(update.phoneCall)
			else if (update._ === 'updatePhoneCallSignalingData')
				this.phone.on_signal(update)
		} catch (error) {
			this.say({ event: 'error', error: String(error.stack) })
		}
	}

	async on_message(message) {
		if (message.isOutgoing)
			return
		if (message.media?.type === 'document')
			this.on_file(message.media.fileName,
				Buffer.from(await this.client.downloadAsBuffer(
					message.media)))
		else
			this.on_text(message.text)
	}

	async login({ phone, code, password }) {
		await this.open()
		const self = await this.account.start({ phone, code: () => code,
			password })

		return { id: Number(self.id) }
	}

	async login_qr({ password }) {
		await this.open()
		const self = await this.account.start({ password,
			qr: (url) => this.say({ event: 'qr', url }) })

		return { id: Number(self.id) }
	}

	async resolve({ to }) {
		const peer = to.startsWith('+')
			? await this.client.resolvePhoneNumber(to.slice(1))
			: await this.client.resolveUser(to)

		return { id: Number(peer.userId) }
	}

	async text({ to, text }) {
		await this.client.sendText(to, text)
	}

	async file({ to, path, name }) {
		await this.client.sendMedia(to, { type: 'document',
			file: readFileSync(path), fileName: name })
	}

	async call({ to, versions = VERSIONS }) {
		await this.phone.call(to, versions)
	}

	async accept({ versions = VERSIONS }) {
		await this.phone.accept(versions)
	}

	async discard({ reason }) {
		await this.phone.discard(reason)
	}

	async signal_send(blob) {
		await this.phone.signal_send(blob)
	}

	async stop() {
		await super.stop()
		await this.account?.stop()
	}
}
