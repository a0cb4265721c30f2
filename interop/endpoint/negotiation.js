// The apps' JSON messages and libwebrtc's offer and answer, one made into the
// other. Each side of a call offers what it sends (NegotiateChannels, one
// exchange a direction) and tells its transport (InitialSetup); a peer
// connection wants one description that holds both.
//
// The caller's peer connection makes the offer and so controls ICE; the peer's
// transport and its channel together are the answer. The callee waits for
// both, which then are the offer, and answers. Nothing else differs.
import { randomBytes } from 'node:crypto'
import { local_parse, remote_write } from './sdp.js'

const SHARED_EXTENSIONS = [
	'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
	'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-' +
		'extensions-01',
]

function random_id() {
	return String(randomBytes(4).readUInt32BE() || 1)
}

function extensions_shared(extensions) {
	return extensions.filter((e) => SHARED_EXTENSIONS.includes(e.uri))
}

// The audio of a peer's offer, as far as we take it: Opus, no more.
function audio_of(contents) {
	const audio = contents.find((c) => c.type === 'audio')
	const opus = audio?.payloadTypes.find(
		(p) => p.name === 'opus' && p.clockrate === 48000)

	return opus && { ssrc: String(audio.ssrc), opus,
		ssrcGroups: audio.ssrcGroups,
		extensions: extensions_shared(audio.rtpExtensions ?? []) }
}

export class Negotiation {
	// connection: an RTCPeerConnection with our track; send(message);
	// conf: { outgoing, setup }, setup: what a callee says of DTLS.
	constructor(connection, send, conf) {
		this.connection = connection
		this.send = send
		this.outgoing = conf.outgoing
		this.callee_setup = conf.setup ?? 'passive'
		this.setup = null    // the peer's InitialSetup
		this.offer = null    // the peer's audio
		this.exchange = null // of our own offer
		this.answered = false
		this.applied = false
		this.candidates = []
		this.ports = [] // of our candidates, since the last restart
		connection.onicecandidate = ({ candidate }) =>
			this.on_local_candidate(candidate)
	}

	async start() {
		if (!this.outgoing)
			return
		await this.connection.setLocalDescription(
			await this.connection.createOffer())
		this.channels_offer()
		this.setup_send('actpass')
	}

	local() {
		return local_parse(this.connection.localDescription.sdp)
	}

	channels_offer() {
		const { ssrc, opus, extensions } = this.local()

		this.exchange = random_id()
		this.channels_send(this.exchange,
			{ ssrc, opus, extensions: extensions_shared(extensions) })
	}

	channels_send(exchangeId, { ssrc, opus, extensions, ssrcGroups }) {
		this.send({ '@type': 'NegotiateChannels', exchangeId,
			contents: [{ type: 'audio', ssrc, ssrcGroups,
				payloadTypes: [opus], rtpExtensions: extensions }] })
	}

	setup_send(setup) {
		const { ufrag, pwd, fingerprint } = this.local()

		this.send({ '@type': 'InitialSetup', ufrag, pwd,
			renomination: false,
			fingerprints: [{ hash: 'sha-256', setup, fingerprint }] })
	}

	// Both sections share one transport; the second one's candidates, UDP
	// apart, are of no use to the peer.
	on_local_candidate(candidate) {
		if (!candidate?.candidate || candidate.sdpMLineIndex !== 0 ||
		    !/ udp /i.test(candidate.candidate))
			return
		this.ports.push(candidate.port)
		this.send({ '@type': 'Candidates', candidates: [
			{ sdpString: candidate.candidate, sdpMLineIndex: 0 }] })
	}

	// As web clients do when they are disconnected: new credentials in a new
	// InitialSetup, and a new offer. The peer keeps its own.
	async restart() {
		this.ports = []
		await this.connection.setLocalDescription(
			await this.connection.createOffer({ iceRestart: true }))
		this.channels_offer()
		this.setup_send(this.outgoing ? 'actpass' : this.callee_setup)
		await this.connection.setRemoteDescription({ type: 'answer',
			sdp: remote_write(this.setup, this.remote_role(), this.offer) })
	}

	async receive(message) {
		switch (message['@type']) {
		case 'InitialSetup':
			return this.on_setup(message)
		case 'NegotiateChannels':
			return this.on_channels(message)
		case 'Candidates':
			this.candidates.push(...message.candidates)
			return this.candidates_apply()
		}
	}

	async on_setup(message) {
		const { fingerprint, setup } = message.fingerprints[0]

		this.setup ??= { ufrag: message.ufrag, pwd: message.pwd,
			fingerprint, setup }
		await this.apply()
	}

	async on_channels(message) {
		if (String(message.exchangeId) === this.exchange) {
			this.answered = message.contents.length > 0
			return
		}
		const first = !this.offer
		const offer = audio_of(message.contents)

		if (!offer)
			return
		// Later offers may add video, which an answer leaves out.
		this.channels_send(String(message.exchangeId), offer)
		this.offer ??= offer
		if (first)
			await this.apply()
	}

	async apply() {
		if (this.applied || !this.setup || !this.offer)
			return
		this.applied = true
		await this.connection.setRemoteDescription({
			type: this.outgoing ? 'answer' : 'offer',
			sdp: remote_write(this.setup, this.remote_role(), this.offer),
		})
		await this.candidates_apply()
		if (this.outgoing)
			return
		await this.connection.setLocalDescription(
			await this.connection.createAnswer())
		this.channels_offer()
		this.setup_send(this.callee_setup)
	}

	// An answer must decide; an offer of the opposite makes libwebrtc answer
	// what we have said.
	remote_role() {
		if (this.outgoing)
			return this.setup.setup === 'active' ? 'active' : 'passive'
		return this.callee_setup === 'active' ? 'passive' : 'active'
	}

	async candidates_apply() {
		if (!this.connection.remoteDescription)
			return
		for (const { sdpString } of this.candidates.splice(0))
			await this.connection.addIceCandidate({
				candidate: sdpString, sdpMid: '0', sdpMLineIndex: 0 })
	}
}
