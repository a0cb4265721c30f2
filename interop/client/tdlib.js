// A steered user on TDLib, Telegram's own client library.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import tdl from 'tdl'
import { servers_for_endpoint } from './media.js'
import { key_patch } from './tdlib_key.js'
import { socks_start } from './tdlib_socks.js'
import { API_HASH, API_ID, SteeredUser, VERSIONS } from './user.js'

const END_WORDS = { HungUp: 'hangup', Declined: 'busy', Missed: 'missed',
	Disconnected: 'disconnect' }
const resolve_file = createRequire(import.meta.url).resolve

function protocol(versions) {
	return { _: 'callProtocol', udp_p2p: true, udp_reflector: true,
		min_layer: 65, max_layer: 92, library_versions: versions }
}

function server_plain({ id, ip_address, ipv6_address, port, type }) {
	return { id, ip: ip_address, ipv6: ipv6_address, port,
		turn: type.supports_turn, stun: type.supports_stun,
		tcp: type.is_tcp, username: type.username,
		password: type.password, peer_tag: type.peer_tag &&
			Buffer.from(type.peer_tag, 'base64') }
}

export class User extends SteeredUser {
	// options: { layer: 223|229, folder, pfs }
	constructor(server, options, say) {
		super(say)
		this.server = server
		this.options = options
		this.call_id = null
		this.answers = {} // what the log-in is asked for
	}

	async open() {
		const { layer, folder } = this.options
		const library = join(folder, 'libtdjson.so')

		key_patch(join(dirname(resolve_file(
			`tdlib-layer${layer}/package.json`)), 'libtdjson.so'),
		this.server.key, library)
		this.proxy_port = await socks_start(this.server)
		tdl.configure({ tdjson: library, verbosityLevel: 1 })
		tdl.execute({ _: 'setLogStream', log_stream: {
			_: 'logStreamFile', path: join(folder, 'tdlib.log'),
			max_file_size: 1 << 28, redirect_stderr: false } })
		this.client = tdl.createBareClient()
		this.client.on('error', (error) =>
			this.say({ event: 'error', error: String(error) }))
		this.client.on('update', (update) => this.on_update(update))
	}

	ask(name, fields = {}) {
		return this.client.invoke({ _: name, ...fields })
	}

	// Until the proxy is known, nothing may be dialled.
	parameters() {
		const { folder, pfs } = this.options

		return Promise.all([
			this.ask('setNetworkType',
				{ type: { _: 'networkTypeNone' } }),
			this.ask('addProxy', { enable: true, proxy: { _: 'proxy',
				server: '127.0.0.1', port: this.proxy_port,
				type: { _: 'proxyTypeSocks5', username: '',
					password: '' } } }),
			this.ask('setOption', { name: 'use_pfs', value: {
				_: 'optionValueBoolean', value: Boolean(pfs) } }),
			this.ask('setNetworkType',
				{ type: { _: 'networkTypeOther' } }),
			this.ask('setTdlibParameters', { use_test_dc: false,
				database_directory: join(folder, 'database'),
				files_directory: join(folder, 'files'),
				database_encryption_key: '', use_file_database: true,
				use_chat_info_database: true,
				use_message_database: true, use_secret_chats: false,
				api_id: API_ID, api_hash: API_HASH,
				system_language_code: 'en', device_model: 'interop',
				system_version: 'Linux',
				application_version: '1.0' }),
		])
	}

	on_authorization(state) {
		switch (state._) {
		case 'authorizationStateWaitTdlibParameters':
			return this.parameters()
		case 'authorizationStateWaitPhoneNumber':
			return this.answers.qr
				? this.ask('requestQrCodeAuthentication',
					{ other_user_ids: [] })
				: this.ask('setAuthenticationPhoneNumber',
					{ phone_number: this.answers.phone })
		case 'authorizationStateWaitOtherDeviceConfirmation':
			return this.say({ event: 'qr', url: state.link })
		case 'authorizationStateWaitCode':
			return this.ask('checkAuthenticationCode',
				{ code: this.answers.code })
		case 'authorizationStateWaitPassword':
			return this.ask('checkAuthenticationPassword',
				{ password: this.answers.password })
		case 'authorizationStateReady':
			return this.logged_in.resolve()
		case 'authorizationStateLoggingOut':
		case 'authorizationStateWaitRegistration':
			throw new Error(state._)
		}
	}

	async on_update(update) {
		try {
			if (update._ === 'updateAuthorizationState')
				await this.on_authorization(
					update.authorization_state)
			else if (update._ === 'updateCall')
				await this.on_call_update(update.call)
			else if (update._ === 'updateNewCallSignalingData')
				this.on_signal(Buffer.from(update.data, 'base64'))
			else if (update._ === 'updateNewMessage')
				await this.on_message(update.message)
		} catch (error) {
			this.logged_in.reject(error)
			this.say({ event: 'error', error: `${update._}: ${
				error.message}` })
		}
	}

	async on_message({ is_outgoing: ours, content }) {
		if (ours)
			return
		if (content._ === 'messageText')
			this.on_text(content.text.text)
		else if (content._ === 'messageDocument') {
			const { local } = await this.ask('downloadFile', {
				file_id: content.document.document.id, priority: 1,
				offset: 0, limit: 0, synchronous: true })

			this.on_file(content.document.file_name,
				readFileSync(local.path))
		}
	}

	async on_call_update({ id, user_id: user, is_outgoing: outgoing, state }) {
		switch (state._) {
		case 'callStatePending':
			if (this.call_id === id && outgoing && state.is_received)
				this.on_call('ringing')
			else if (this.call_id !== id)
				this.on_call(outgoing ? 'waiting' : 'incoming',
					{ user })
			this.call_id = id
			return
		case 'callStateReady':
			return this.on_call_ready(outgoing, state)
		case 'callStateDiscarded':
			this.call_id = null
			return this.on_ended(END_WORDS[state.reason._
				.replace('callDiscardReason', '')] ?? 'none')
		case 'callStateError':
			this.call_id = null
			return this.on_ended(`error: ${state.error.message}`)
		}
	}

	on_call_ready(outgoing, state) {
		if (this.ready_id === this.call_id)
			return
		this.ready_id = this.call_id
		this.on_ready({ outgoing, emoji: state.emojis.join(''),
			key: Buffer.from(state.encryption_key, 'base64'),
			version: state.protocol.library_versions[0],
			p2p: state.allow_p2p,
			servers: servers_for_endpoint(
				state.servers.map(server_plain)) })
	}

	async login(answers) {
		this.answers = answers
		const done = new Promise((resolve, reject) => {
			this.logged_in = { resolve, reject }
		})

		await this.open()
		await done
		return { id: (await this.ask('getMe')).id }
	}

	login_qr({ password }) {
		return this.login({ qr: true, password })
	}

	async resolve({ to }) {
		if (to.startsWith('+'))
			return { id: (await this.ask('searchUserByPhoneNumber',
				{ phone_number: to, only_local: false })).id }
		return { id: (await this.ask('searchPublicChat',
			{ username: to })).type.user_id }
	}

	async chat(to) {
		const { id } = await this.resolve({ to })

		return (await this.ask('createPrivateChat',
			{ user_id: id, force: false })).id
	}

	async message_send(to, content) {
		await this.ask('sendMessage', { chat_id: await this.chat(to),
			input_message_content: content })
	}

	async text({ to, text }) {
		await this.message_send(to, { _: 'inputMessageText',
			text: { _: 'formattedText', text, entities: [] } })
	}

	async file({ to, path }) {
		const file = { _: 'inputFileLocal', path }
		const flat = { document: file,
			disable_content_type_detection: true }

		// The newer builds want the file's fields in an object.
		await this.message_send(to, { _: 'inputMessageDocument',
			...(this.options.layer > 223
				? { document: { _: 'inputDocument', ...flat } }
				: flat) })
	}

	async call({ to, versions = VERSIONS }) {
		const { id } = await this.resolve({ to })

		await this.ask('createCall', { user_id: id, is_video: false,
			protocol: protocol(versions) })
	}

	async accept({ versions = VERSIONS }) {
		await this.ask('acceptCall', { call_id: this.call_id,
			protocol: protocol(versions) })
	}

	// TDLib finds the reason by itself.
	async discard() {
		await this.ask('discardCall', { call_id: this.call_id,
			is_disconnected: false, invite_link: '', duration: 1,
			is_video: false, connection_id: '0' })
	}

	async signal_send(blob) {
		await this.ask('sendCallSignalingData', { call_id: this.call_id,
			data: blob.toString('base64') })
	}

	async stop() {
		await super.stop()
		await this.client?.close()
	}
}
