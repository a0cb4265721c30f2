// The simulator's control interface (docs/simulator.md): one JSON object a
// line over a unix socket, one answer each.
import net from 'node:net'
import { createInterface } from 'node:readline'

export class Simulator {
	constructor(path) {
		this.path = path
	}

	ask(op, fields = {}) {
		return new Promise((resolve, reject) => {
			const socket = net.connect(this.path)

			socket.on('error', reject)
			socket.on('connect', () =>
				socket.write(JSON.stringify({ ...fields, op }) + '\n'))
			createInterface({ input: socket }).once('line', (line) => {
				const answer = JSON.parse(line)

				socket.destroy()
				if (answer.ok)
					resolve(answer)
				else
					reject(new Error(`${op}: ${answer.error}`))
			})
		})
	}

	async code(phone) {
		return (await this.ask('code', { phone: `+${phone}` })).code
	}
}
