// Call handshakes over bare API objects, for client libraries that know the
// phone.* methods but nothing of calls. Both roles.
//
// api: { invoke(query), kind(object), user(id), long(decimal) } of a library;
// objects have the same field names in all of them.
import { createDiffieHellman, createHash, randomBytes } from 'node:crypto'
import { EMOJI } from './emoji.js'
import { servers_for_endpoint } from './media.js'

const GROUP_BYTES = 256

function sha(name, ...parts) {
	const hash = createHash(name)

	for (const part of parts)
		hash.update(part)
	return hash.digest()
}

function protocol(versions) {
	return { _: 'phoneCallProtocol', udpP2p: true, udpReflector: true,
		minLayer: 65, maxLayer: 92, libraryVersions: versions }
}

export function fingerprint(key) {
	return String(sha('sha1', key).readBigInt64LE(12))
}

export function emoji(key, g_a) {
	const hash = sha('sha256', key, g_a)

	return [0, 8, 16, 24].map((at) => EMOJI[Number(
		(hash.readBigUInt64BE(at) & 0x7fffffffffffffffn) %
		BigInt(EMOJI.length))]).join('')
}

function server_plain(c, kind) {
	return { id: String(c.id), ip: c.ip, ipv6: c.ipv6, port: c.port,
		turn: c.turn, stun: c.stun, tcp: c.tcp, username: c.username,
		password: c.password,
		peer_tag: kind === 'phoneConnection' ? c.peerTag : undefined }
}

export class Phone {
	// user: a SteeredUser, told of everything
	constructor(api, user) {
		this.api = api
		this.user = user
		this.current = null
	}

	peer() {
		const { id, accessHash } = this.current

		return { _: 'inputPhoneCall', id, accessHash }
	}

	async group() {
		const config = await this.api.invoke({ _: 'messages.getDhConfig',
			version: 0, randomLength: GROUP_BYTES })

		// Values are written as short as they can be; ours never begins
		// with a zero byte, so that nobody can disagree.
		for (;;) {
			const group = createDiffieHellman(Buffer.from(config.p),
				Buffer.from([config.g]))
			const value = group.generateKeys()

			if (value.length === GROUP_BYTES && value[0])
				return { group, value }
		}
	}

	key_make(peer_value) {
		const secret = this.current.group.computeSecret(
			Buffer.from(peer_value))

		return Buffer.concat([Buffer.alloc(GROUP_BYTES - secret.length),
			secret])
	}

	async call(user_id, versions) {
		const { group, value } = await this.group()

		this.current = { outgoing: true, group, value, versions }
		const { phoneCall } = await this.api.invoke({
			_: 'phone.requestCall', userId: await this.api.user(user_id),
			randomId: randomBytes(4).readInt32LE(),
			gAHash: sha('sha256', value), protocol: protocol(versions) })

		this.current.id = phoneCall.id
		this.current.accessHash = phoneCall.accessHash
		this.user.on_call('waiting')
		if (this.current.late)
			await this.on_update(this.current.late)
	}

	async accept(versions) {
		const { group, value } = await this.group()

		Object.assign(this.current, { group, value, versions })
		await this.api.invoke({ _: 'phone.acceptCall', peer: this.peer(),
			gB: value, protocol: protocol(versions) })
	}

	// reason: Busy, Hangup, Missed or Disconnect
	async discard(reason) {
		const began = this.current.ready_at

		const { updates } = await this.api.invoke({
			_: 'phone.discardCall', peer: this.peer(),
			duration: began ? Math.floor((Date.now() - began) / 1000) : 0,
			reason: { _: `phoneCallDiscardReason${reason}` },
			connectionId: this.api.long('0') })

		// The answer is the update, and nobody else tells it.
		for (const update of updates)
			if (this.api.kind(update) === 'updatePhoneCall')
				await this.on_update(update.phoneCall)
	}

	async signal_send(blob) {
		await this.api.invoke({ _: 'phone.sendSignalingData',
			peer: this.peer(), data: blob })
	}

	is_current(id) {
		return this.current && String(this.current.id) === String(id)
	}

	on_signal({ phoneCallId, data }) {
		if (this.is_current(phoneCallId))
			this.user.on_signal(Buffer.from(data))
	}

	// phone_call: of an updatePhoneCall
	async on_update(phone_call) {
		const kind = this.api.kind(phone_call)

		if (kind === 'phoneCallRequested')
			return this.on_requested(phone_call)
		// An answer may be quicker than the one to our query.
		if (this.current?.outgoing && !this.current.id)
			this.current.late = phone_call
		if (!this.is_current(phone_call.id))
			return
		if (kind === 'phoneCallWaiting' && phone_call.receiveDate)
			this.user.on_call('ringing')
		else if (kind === 'phoneCallAccepted')
			await this.on_accepted(phone_call)
		else if (kind === 'phoneCall')
			this.on_active(phone_call)
		else if (kind === 'phoneCallDiscarded')
			await this.on_discarded(phone_call)
	}

	async on_requested({ id, accessHash, adminId, gAHash }) {
		this.current = { outgoing: false, id, accessHash,
			g_a_hash: Buffer.from(gAHash) }
		await this.api.invoke({ _: 'phone.receivedCall',
			peer: this.peer() })
		this.user.on_call('incoming', { user: Number(adminId) })
	}

	async on_accepted({ gB }) {
		const c = this.current

		if (c.key)
			return
		c.key = this.key_make(gB)
		const { phoneCall } = await this.api.invoke({
			_: 'phone.confirmCall', peer: this.peer(), gA: c.value,
			keyFingerprint: this.api.long(fingerprint(c.key)),
			protocol: protocol(c.versions) })

		this.on_active(phoneCall)
	}

	on_active(phone_call) {
		const c = this.current
		const theirs = Buffer.from(phone_call.gAOrB)

		if (c.ready_at)
			return
		if (!c.outgoing) {
			if (!sha('sha256', theirs).equals(c.g_a_hash))
				throw new Error('g_a is not what its hash promised')
			c.key = this.key_make(theirs)
		}
		if (String(phone_call.keyFingerprint) !== fingerprint(c.key))
			throw new Error('the fingerprints differ')
		c.ready_at = Date.now()
		this.user.on_ready({ key: c.key, outgoing: c.outgoing,
			emoji: emoji(c.key, c.outgoing ? c.value : theirs),
			version: phone_call.protocol.libraryVersions[0],
			p2p: Boolean(phone_call.p2pAllowed),
			servers: servers_for_endpoint(phone_call.connections.map(
				(s) => server_plain(s, this.api.kind(s)))) })
	}

	async on_discarded({ reason }) {
		this.current = null
		await this.user.on_ended(reason ? this.api.kind(reason)
			.replace('phoneCallDiscardReason', '').toLowerCase() : 'none')
	}
}
