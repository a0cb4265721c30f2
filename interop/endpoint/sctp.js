// One SCTP association, as far as the call signalling of 12.0.0 and 13.0.0
// needs it: both sides may start, one ordered stream, messages of PPID 53.
//
//	closed -> cookie_wait -> cookie_echoed -> established
//	   \________ COOKIE-ECHO of the peer ________/
import { createHmac, randomBytes } from 'node:crypto'
import { CHUNK, PARAMETER_COOKIE, chunk_write, init_parse, init_write,
	packet_parse, packet_write, parameter_write } from './sctp_packet.js'
import { Receiver } from './sctp_receiver.js'
import { Sender } from './sctp_sender.js'

const T1_MS = 400
const BACKOFF_MAX_MS = 750
const HEARTBEAT_MS = 30000
const WINDOW_BYTES = 0x500000
const STREAMS = 65535

function random_tag() {
	return randomBytes(4).readUInt32BE() || 1
}

export class Association {
	// handlers: send(packet), message(bytes)
	constructor(handlers) {
		this.handlers = handlers
		this.state = 'closed'
		this.secret = randomBytes(32)
		this.local = { tag: random_tag(), tsn: random_tag(),
			window: WINDOW_BYTES, outbound: STREAMS, inbound: STREAMS }
		this.peer = null // { tag, tsn }
		this.sender = new Sender(this.local.tsn, (chunks) =>
			this.emit(chunks))
		this.receiver = new Receiver(handlers.message)
	}

	start() {
		this.state = 'cookie_wait'
		this.t1_run(() => this.handlers.send(packet_write(0,
			[init_write(CHUNK.INIT, this.local)])))
	}

	stop() {
		if (this.peer)
			this.emit([chunk_write(CHUNK.ABORT, 0)])
		this.state = 'closed'
		clearTimeout(this.t1)
		clearInterval(this.heartbeat)
		this.sender.stop()
	}

	send(bytes) {
		this.sender.add(bytes)
	}

	emit(chunks) {
		this.handlers.send(packet_write(this.peer.tag, chunks))
	}

	// T1-init and T1-cookie: again until the state changes.
	t1_run(action, wait = T1_MS) {
		clearTimeout(this.t1)
		action()
		this.t1 = setTimeout(() => this.t1_run(action,
			Math.min(2 * wait, BACKOFF_MAX_MS)), wait)
	}

	receive(bytes) {
		const { tag, chunks } = packet_parse(bytes)
		const replies = []

		for (const chunk of chunks) {
			// RFC 9260, 8.5.1: an INIT carries tag 0 and is alone.
			if (chunk.type === CHUNK.INIT
				? tag !== 0 || chunks.length > 1
				: tag !== this.local.tag && !this.reflected(chunk, tag))
				throw new Error('SCTP packet with a wrong tag')
			this.on_chunk(chunk, replies)
		}
		const sack = this.receiver.sack_take()
		if (sack)
			replies.push(sack)
		if (replies.length)
			this.emit(replies)
	}

	// An ABORT may carry the receiver's own tag, marked by its T bit.
	reflected(chunk, tag) {
		return chunk.type === CHUNK.ABORT && chunk.flags & 1 &&
			tag === this.peer?.tag
	}

	on_chunk(chunk, replies) {
		switch (chunk.type) {
		case CHUNK.INIT:
			return this.on_init(chunk.body)
		case CHUNK.INIT_ACK:
			return this.on_init_ack(chunk.body)
		case CHUNK.COOKIE_ECHO:
			return this.on_cookie_echo(chunk.body)
		case CHUNK.COOKIE_ACK:
			if (this.state === 'cookie_echoed')
				this.established()
			return
		case CHUNK.DATA:
			if (this.state === 'established' ||
			    this.state === 'cookie_echoed')
				this.receiver.on_data(chunk)
			return
		case CHUNK.SACK:
			return this.sender.on_sack(chunk.body)
		case CHUNK.HEARTBEAT:
			replies.push(chunk_write(CHUNK.HEARTBEAT_ACK, 0,
				chunk.body))
			return
		case CHUNK.SHUTDOWN:
			replies.push(chunk_write(CHUNK.SHUTDOWN_ACK, 0))
			return
		case CHUNK.ABORT:
			this.state = 'closed'
			this.sender.stop()
			clearInterval(this.heartbeat)
		}
	}

	// RFC 9260, 5.2.1: on a collision the INIT-ACK repeats our own INIT's
	// tag; nothing is kept but what the cookie says.
	on_init(body) {
		const init = init_parse(body)
		const facts = Buffer.alloc(8)

		facts.writeUInt32BE(init.tag, 0)
		facts.writeUInt32BE(init.tsn, 4)
		this.handlers.send(packet_write(init.tag, [init_write(
			CHUNK.INIT_ACK, this.local, [parameter_write(
				PARAMETER_COOKIE, this.cookie_seal(facts))])]))
	}

	// 45 bytes, as the apps' own: not a multiple of four.
	cookie_seal(facts) {
		const mac = createHmac('sha256', this.secret).update(facts)
			.digest()

		return Buffer.concat([facts, mac, Buffer.from('inter')])
	}

	on_init_ack(body) {
		const init = init_parse(body)
		const cookie = init.parameters.get(PARAMETER_COOKIE)

		if (this.state !== 'cookie_wait' || !cookie)
			return
		this.peer_set(init)
		this.state = 'cookie_echoed'
		this.t1_run(() => this.emit(
			[chunk_write(CHUNK.COOKIE_ECHO, 0, cookie)]))
	}

	on_cookie_echo(cookie) {
		const facts = cookie.subarray(0, 8)

		if (!cookie.equals(this.cookie_seal(facts)))
			throw new Error('SCTP cookie that is not ours')
		this.peer_set({ tag: facts.readUInt32BE(0),
			tsn: facts.readUInt32BE(4) })
		// Before any DATA of ours: the peer takes none until it has this.
		this.emit([chunk_write(CHUNK.COOKIE_ACK, 0)])
		this.established()
	}

	// The same peer again changes nothing; a new tag is a new start of his.
	peer_set(init) {
		if (this.peer?.tag === init.tag)
			return
		this.peer = { tag: init.tag, tsn: init.tsn }
		this.receiver.reset(init.tsn)
	}

	established() {
		if (this.state === 'established')
			return
		this.state = 'established'
		clearTimeout(this.t1)
		this.heartbeat = setInterval(() => this.emit([chunk_write(
			CHUNK.HEARTBEAT, 0, parameter_write(1, randomBytes(8)))]),
		HEARTBEAT_MS)
		this.sender.open()
	}
}
