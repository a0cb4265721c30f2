// 10.0.0 and 11.0.0: the peer connection's own descriptions travel whole, as
// {"@type":"offer"|"answer","sdp"}, candidates as {"@type":"candidate"}.
//
// Each side sends on a section of its own: the callee answers the caller's
// audio by receiving it alone, and then offers a second one. When two offers
// meet, the callee's holds and the caller takes back its own.

export class Descriptions {
	// connection: an RTCPeerConnection; track: what we say; send(message);
	// conf: { outgoing }; later(action): runs actions one after the other.
	constructor(connection, track, send, conf, later) {
		this.connection = connection
		this.send = send
		this.outgoing = conf.outgoing
		this.ignored = false
		this.candidates = []
		this.ports = [] // of our candidates, since the last restart
		this.transceiver = connection.addTransceiver(track,
			{ direction: 'sendrecv' })
		connection.onicecandidate = ({ candidate }) =>
			this.on_local_candidate(candidate)
		connection.onnegotiationneeded = () => later(() => this.offer())
	}

	async start() {
		if (this.outgoing)
			await this.offer()
	}

	// A callee speaks once it has been spoken to. What an offer lacks, the
	// connection tells again as soon as it is stable.
	async offer() {
		const c = this.connection
		const mine = this.outgoing || c.remoteDescription

		if (!mine || c.signalingState !== 'stable' ||
		    this.transceiver.mid !== null)
			return
		await c.setLocalDescription(await c.createOffer())
		this.describe()
	}

	describe() {
		const { type, sdp } = this.connection.localDescription

		this.send({ '@type': type, sdp })
	}

	on_local_candidate(candidate) {
		if (!candidate?.candidate)
			return
		this.ports.push(candidate.port)
		this.send({ '@type': 'candidate', sdp: candidate.candidate,
			mid: candidate.sdpMid, mline: candidate.sdpMLineIndex })
	}

	async restart() {
		const c = this.connection

		if (c.signalingState !== 'stable')
			throw new Error('no time to restart')
		this.ports = []
		await c.setLocalDescription(
			await c.createOffer({ iceRestart: true }))
		this.describe()
	}

	async receive(message) {
		switch (message['@type']) {
		case 'offer':
			return this.on_offer(message.sdp)
		case 'answer':
			return this.on_answer(message.sdp)
		case 'candidate':
			this.candidates.push({ candidate: message.sdp,
				sdpMid: message.mid, sdpMLineIndex: message.mline })
			return this.candidates_apply()
		}
	}

	async on_offer(sdp) {
		const c = this.connection

		this.ignored = c.signalingState === 'have-local-offer' &&
			!this.outgoing
		if (this.ignored)
			return
		if (c.signalingState === 'have-local-offer')
			await c.setLocalDescription({ type: 'rollback' })
		await c.setRemoteDescription({ type: 'offer', sdp })
		await this.candidates_apply()
		await c.setLocalDescription(await c.createAnswer())
		this.describe()
		await this.offer()
	}

	async on_answer(sdp) {
		if (this.connection.signalingState !== 'have-local-offer')
			return
		await this.connection.setRemoteDescription({ type: 'answer', sdp })
		await this.candidates_apply()
	}

	async candidates_apply() {
		if (!this.connection.remoteDescription)
			return
		for (const candidate of this.candidates.splice(0))
			await this.connection.addIceCandidate(candidate)
				.catch((error) => {
					if (!this.ignored)
						throw error
				})
	}
}
