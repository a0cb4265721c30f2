// One call: signalling, a peer connection, the voice, the ear, and the data
// channel on which apps tell each other that they are muted.
import wrtc from '@roamhq/wrtc'
import { Ear, Voice } from './audio.js'
import { Descriptions } from './descriptions.js'
import { framing_new } from './framing.js'
import { Negotiation } from './negotiation.js'

const FAILED_AFTER_MS = 20000
const WITH_DESCRIPTIONS = ['11.0.0', '10.0.0']
const STATE_WORDS = { connected: 'established', failed: 'failed',
	disconnected: 'reconnecting' }

function ice_server(server) {
	const address = `${server.host}:${server.port}`

	return server.isTurn
		? { urls: `turn:${address}`, username: server.username,
			credential: server.password }
		: { urls: `stun:${address}` }
}

export class Call {
	// options: see endpoint.js; out: { signal(blob), state(name) }
	constructor(options, out) {
		this.options = options
		this.out = out
		this.stats = { version: options.version, received: {}, refused: 0 }
		this.began = performance.now()
		this.voice = new Voice(options.in)
		this.ear = new Ear(options.out)
		this.queue = Promise.resolve()
		this.connection_open()
		this.framing = framing_new(options.version, options.key,
			options.outgoing, {
				send: (blob) => out.signal(blob),
				message: (message) => this.on_message(message),
			})
		this.negotiation = this.negotiation_new()
	}

	negotiation_new() {
		const send = (message) => this.framing.send(message)

		if (WITH_DESCRIPTIONS.includes(this.options.version))
			return new Descriptions(this.connection, this.voice.track,
				send, this.options, (action) => this.later(action))
		this.connection.addTrack(this.voice.track)
		return new Negotiation(this.connection, send, this.options)
	}

	connection_open() {
		const c = new wrtc.RTCPeerConnection({
			bundlePolicy: 'max-bundle',
			iceTransportPolicy: this.options.p2p ? 'all' : 'relay',
			iceServers: this.options.servers
				.filter((server) => !server.peerTag).map(ice_server),
		})

		this.connection = c
		c.ontrack = ({ track }) => this.ear.listen(track)
		c.onconnectionstatechange = () => this.on_state(c.connectionState)
		c.ondatachannel = ({ channel }) => this.channel_take(channel)
		if (this.options.outgoing)
			this.channel_take(c.createDataChannel('data'))
	}

	start() {
		this.out.state('wait')
		this.framing.start()
		this.later(() => this.negotiation.start())
		this.watchdog = setTimeout(() => {
			if (this.stats.established_ms === undefined)
				this.out.state('failed')
		}, FAILED_AFTER_MS)
	}

	// Descriptions are set one after the other.
	later(action) {
		this.queue = this.queue.then(action).catch((error) =>
			this.refuse(error))
	}

	refuse(error) {
		this.stats.refused++
		console.error(`refused: ${error.message}`)
	}

	signal(blob) {
		try {
			this.framing.receive(blob)
		} catch (error) {
			this.refuse(error)
		}
	}

	on_message(message) {
		const type = message['@type']

		this.stats.received[type] = (this.stats.received[type] ?? 0) + 1
		// Peers without a data channel tell it here.
		if (type === 'MediaState')
			this.stats.peer_media_state = message
		this.later(() => this.negotiation.receive(message))
	}

	on_state(state) {
		const word = STATE_WORDS[state]

		// The event comes again for each of the transport's parts.
		if (!word || word === this.state)
			return
		this.state = word
		if (state === 'connected')
			this.stats.established_ms ??=
				Math.round(performance.now() - this.began)
		this.out.state(word)
	}

	channel_take(channel) {
		this.channel = channel
		this.stats.channel = channel.label
		channel.onopen = () => this.media_state_send()
		channel.onmessage = ({ data }) => {
			this.stats.peer_media_state = JSON.parse(data)
		}
		if (channel.readyState === 'open')
			this.media_state_send()
	}

	media_state_send() {
		if (this.channel?.readyState === 'open')
			this.channel.send(JSON.stringify({ '@type': 'MediaState',
				muted: this.voice.muted, lowBattery: false,
				videoState: 'inactive', screencastState: 'inactive',
				videoRotation: 0 }))
	}

	restart() {
		this.later(() => this.negotiation.restart())
	}

	mute(on) {
		this.voice.muted = on
		this.media_state_send()
	}

	async stats_collect() {
		const report = await this.connection.getStats()

		for (const entry of report.values())
			if (entry.type === 'inbound-rtp')
				this.stats.inbound = { packets: entry.packetsReceived,
					lost: entry.packetsLost,
					concealed: entry.concealedSamples }
			else if (entry.type === 'outbound-rtp')
				this.stats.outbound = { packets: entry.packetsSent }
			else if (entry.type === 'transport')
				this.stats.transport = { dtls: entry.dtlsState,
					srtp: entry.srtpCipher, cipher: entry.dtlsCipher }
		this.stats.ports = this.negotiation.ports
		if (this.ear.loud_at !== null)
			this.stats.first_sound_ms = Math.round(this.ear.loud_at)
		return this.stats
	}

	async stop() {
		const stats = await this.stats_collect()

		clearTimeout(this.watchdog)
		this.framing.stop()
		this.voice.stop()
		this.ear.stop()
		this.connection.close()
		return stats
	}
}
