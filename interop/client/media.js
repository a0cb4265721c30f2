// The media of a call: an endpoint program (docs/endpoint.md), for client
// libraries leave media to the application.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const STOP_WITHIN_MS = 8000

export class Media {
	// call: { version, outgoing, key, p2p, servers }; conf: { program: [..],
	// in, out }; out: { signal(blob), state(name), stats(object) }
	constructor(call, conf, out) {
		const [program, ...words] = conf.program

		words.push('--version', call.version,
			call.outgoing ? '--outgoing' : '--incoming',
			'--key', call.key.toString('hex'),
			'--p2p', call.p2p ? '1' : '0')
		for (const server of call.servers)
			words.push('--rtc-server', JSON.stringify(server))
		for (const name of ['in', 'out'])
			if (conf[name])
				words.push(`--${name}`, conf[name])
		this.out = out
		this.child = spawn(program, words,
			{ stdio: ['pipe', 'pipe', 'inherit'] })
		this.child.stdin.on('error', () => {})
		this.ended = new Promise((resolve) =>
			this.child.on('close', resolve))
		createInterface({ input: this.child.stdout })
			.on('line', (line) => this.on_line(line))
	}

	on_line(line) {
		const at = line.indexOf(' ')
		const [word, rest] = [line.slice(0, at), line.slice(at + 1)]

		if (word === 'SIG')
			this.out.signal(Buffer.from(rest, 'hex'))
		else if (word === 'STATE')
			this.out.state(rest)
		else if (word === 'STATS')
			this.out.stats(JSON.parse(rest))
	}

	signal(blob) {
		this.child.stdin.write(`SIG ${blob.toString('hex')}\n`)
	}

	async stop() {
		const timer = setTimeout(() => this.child.kill('SIGKILL'),
			STOP_WITHIN_MS)

		this.child.stdin.end('STOP\n')
		await this.ended
		clearTimeout(timer)
	}
}

// Servers of a call as an endpoint program wants them. Reflectors get the
// numbers 1..n of their sorted, distinct ids, by which both sides name them.
// servers: { id, ip, ipv6, port, turn, stun, username, password } or
// { id, ip, ipv6, port, tcp, peer_tag }, ids decimal.
export function servers_for_endpoint(servers) {
	const ids = [...new Set(servers.filter((s) => s.peer_tag)
		.map((s) => BigInt(s.id)))].sort((a, b) => (a < b ? -1 : 1))

	return servers.flatMap((s) => [s.ip, s.ipv6].filter(Boolean)
		.flatMap((host) => server_entries(s, host, ids)))
}

function server_entries(s, host, ids) {
	const address = { host, port: s.port }

	if (s.peer_tag)
		return [{ ...address, id: ids.indexOf(BigInt(s.id)) + 1,
			peerTag: Buffer.from(s.peer_tag).toString('hex'),
			isTcp: Boolean(s.tcp) }]
	return [
		...(s.stun ? [{ ...address, id: 100 }] : []),
		...(s.turn ? [{ ...address, id: 100, isTurn: true,
			username: s.username, password: s.password }] : []),
	]
}
