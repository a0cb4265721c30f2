// A steered user on gramjs ("telegram"). It dials port 80, whatever it is told.
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import bigInt from 'big-integer'
import telegram from 'telegram'
import { CustomFile } from 'telegram/client/uploads.js'
import { _serverKeys } from 'telegram/crypto/RSA.js'
import events from 'telegram/events/index.js'
import { LogLevel } from 'telegram/extensions/Logger.js'
import connections from 'telegram/network/index.js'
import sessions from 'telegram/sessions/index.js'
import { key_fingerprint } from './server_key.js'
import { Phone } from './phone.js'
import { API_HASH, API_ID, SteeredUser, VERSIONS } from './user.js'

const { Api, TelegramClient, utils } = telegram

function key_trust(path) {
	const key = createPublicKey(readFileSync(path))
	const n = Buffer.from(key.export({ format: 'jwk' }).n, 'base64url')

	_serverKeys.set(key_fingerprint(key).toString(),
		{ n: bigInt(n.toString('hex'), 16), e: 65537 })
}

// {_: 'phone.requestCall', ...} as an object of the library's classes.
function api_object(value) {
	if (Array.isArray(value))
		return value.map(api_object)
	if (!value?._)
		return value
	const { _: name, ...fields } = value
	const path = name.split('.')
	const last = path.pop()
	const classes = path.length ? Api[path[0]] : Api

	return new classes[last[0].toUpperCase() + last.slice(1)](
		Object.fromEntries(Object.entries(fields)
			.map(([field, inner]) => [field, api_object(inner)])))
}

export class User extends SteeredUser {
	// options: { transport: 'ConnectionTCPObfuscated' and so on }
	constructor(server, options, say) {
		super(say)
		this.server = server
		this.transport = options.transport ?? 'ConnectionTCPObfuscated'
		this.phone = new Phone({
			invoke: (query) => this.client.invoke(api_object(query)),
			kind: ({ className }) =>
				className[0].toLowerCase() + className.slice(1),
			user: async (id) => utils.getInputUser(
				await this.client.getInputEntity(id)),
			long: (decimal) => bigInt(decimal),
		}, this)
	}

	async open() {
		const session = new sessions.StringSession('')

		key_trust(this.server.key)
		session.setDC(this.server.id, this.server.host, 80)
		this.client = new TelegramClient(session, API_ID, API_HASH, {
			connection: connections[this.transport], useWSS: false,
			connectionRetries: 3 })
		this.client.setLogLevel(LogLevel.ERROR)
		this.client.addEventHandler((update) => this.on_update(update),
			new events.Raw({}))
		this.client.addEventHandler(({ message }) =>
			this.on_message(message), new events.NewMessage({
			incoming: true }))
		await this.client.connect()
	}

	async on_update(update) {
		try {
			if (update instanceof Api.UpdatePhoneCall)
				await this.phone.on_update(update.phoneCall)
			else if (update instanceof Api.UpdatePhoneCallSignalingData)
				this.phone.on_signal(update)
		} catch (error) {
			this.say({ event: 'error', error: String(error.stack) })
		}
	}

	async on_message(message) {
		if (message.media?.document)
			this.on_file(message.file?.name,
				await this.client.downloadMedia(message))
		else
			this.on_text(message.message)
	}

	credentials(password) {
		return { password: async () => password,
			onError: (error) => {
				throw error
			} }
	}

	async self() {
		return { id: Number((await this.client.getMe()).id) }
	}

	async login({ phone, code, password }) {
		await this.open()
		await this.client.start({ ...this.credentials(password),
			phoneNumber: `+${phone}`, phoneCode: async () => code })
		return this.self()
	}

	async login_qr({ password }) {
		await this.open()
		await this.client.signInUserWithQrCode(
			{ apiId: API_ID, apiHash: API_HASH },
			{ ...this.credentials(password),
				qrCode: async ({ token }) => this.say({ event: 'qr',
					url: `tg://login?token=${
						token.toString('base64url')}` }) })
		return this.self()
	}

	async resolve({ to }) {
		const { peer } = await this.client.invoke(to.startsWith('+')
			? new Api.contacts.ResolvePhone({ phone: to.slice(1) })
			: new Api.contacts.ResolveUsername({ username: to }))

		return { id: Number(peer.userId) }
	}

	async text({ to, text }) {
		await this.client.sendMessage(to, { message: text })
	}

	async file({ to, path, name }) {
		const data = readFileSync(path)

		await this.client.sendFile(to, { forceDocument: true,
			file: new CustomFile(name, data.length, '', data) })
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
		await this.client?.destroy()
	}
}
