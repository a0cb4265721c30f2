// mtcute clients that know the simulator's data centre and key. Everything
// else is the library as it comes.
import { readFileSync } from 'node:fs'
import { MemoryStorage, TelegramClient } from '@mtcute/node'
import { NodeCryptoProvider } from '@mtcute/node/utils.js'
import { addPublicKey } from '@mtcute/core/utils.js'
import reader from '@mtcute/tl/binary/reader.js'
import writer from '@mtcute/tl/binary/writer.js'
// Not among what the package exports.
import { __publicKeyIndex as trusted } from
	'../node_modules/@mtcute/core/tl/binary/rsa-keys.js'

// The library's own layer is newer than the gateway's; given the schema of
// that one (schema/layer), it speaks it, too.
const GATEWAY_LAYER = {
	overrideLayer: 223,
	readerMap: reader.__tlReaderMap,
	writerMap: writer.__tlWriterMap,
}

const LOG_DEBUG = 4
const LOG_LINES = 60

// The keys that the library trusts are one list a process, by fingerprint in
// hexadecimal. It lists them with leading zeros and looks them up without
// (0.30.3): one key in sixteen is never found, and the log-in never ends.
export async function key_trust(path) {
	const crypto = new NodeCryptoProvider()

	await crypto.initialize?.()
	addPublicKey(crypto, readFileSync(path, 'utf8'))
	for (const [fingerprint, key] of Object.entries(trusted))
		trusted[fingerprint.replace(/^0+/, '')] = key
}

export class Account {
	// server: { id, host, port, layer, pfs }, layer 'own' or 'gateway',
	// pfs: with temporary keys;
	// session: of an earlier client
	constructor(server, { session } = {}) {
		const dc = { id: server.id, ipAddress: server.host,
			port: server.port }

		this.session = session
		this.log = []
		this.heard = []
		this.waiting = []
		this.client = new TelegramClient({
			apiId: 4242,
			apiHash: '0123456789abcdef0123456789abcdef',
			storage: new MemoryStorage(),
			defaultDcs: { main: dc, media: dc },
			logLevel: LOG_DEBUG,
			updates: { catchUp: true },
			network: { usePfs: Boolean(server.pfs) },
			...(server.layer === 'gateway' ? GATEWAY_LAYER : {}),
		})
		this.client.log.mgr.handler = (_, level, tag, format, args) =>
			this.log_put(tag, format, args)
		this.client.onError.add((error) =>
			this.log_put('error', String(error.stack), []))
		this.client.onNewMessage.add((message) => this.on_message(message))
	}

	// Kept for the case that a check fails.
	log_put(tag, format, args) {
		this.log.push(`${tag}: ${format} ${args.map(String).join(' ')}`)
		if (this.log.length > LOG_LINES)
			this.log.shift()
	}

	on_message(message) {
		if (message.isOutgoing)
			return
		this.heard.push(message.text)
		this.waiting = this.waiting.filter((w) => !w(message))
	}

	// phone: digits; code, password: functions; refused: called with 'code' or
	// 'password' for a refused one; qr: called with the link of a QR code.
	// An account with a session neither needs nor gets a code.
	async start({ phone, code, password, refused, qr } = {}) {
		this.self = await this.client.start({
			session: this.session,
			phone,
			code: code ?? (() => {
				throw new Error('asked for a code')
			}),
			password,
			qrCodeHandler: qr,
			codeSentCallback: () => {},
			invalidCodeCallback: refused,
		})
		return this.self
	}

	// Resolves with the message once this text has come in.
	text_wait(text, seconds = 10) {
		if (this.heard.includes(text))
			return Promise.resolve()
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() =>
				reject(new Error(`"${text}" did not arrive`)),
				seconds * 1000)

			this.waiting.push((message) => {
				if (message.text !== text)
					return false
				clearTimeout(timer)
				resolve(message)
				return true
			})
		})
	}

	async stop() {
		await this.client.destroy()
	}
}
