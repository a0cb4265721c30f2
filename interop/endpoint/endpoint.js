#!/usr/bin/env node
// A call endpoint on libwebrtc (@roamhq/wrtc), as the simulated Telegram starts
// one for each simulated user and call:
//
//   endpoint.js --version V --outgoing|--incoming --key HEX [--p2p 0|1]
//       [--rtc-server JSON]... [--in WAV] [--out WAV] [--seconds N]
//       [--setup passive|active]
//   endpoint.js --list-versions
//
// Lines in: SIG HEX, MUTE 0|1, RESTART (of ICE), STOP. Lines out: SIG HEX, STATE NAME and, at
// the end, STATS {json}. --setup: what a callee says of DTLS, passive as the
// apps or active as web clients may.
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { Call } from './call.js'
import { VERSIONS } from './framing.js'

const KEY_BYTES = 256

function options_parse() {
	const { values } = parseArgs({ options: {
		'version': { type: 'string' },
		'outgoing': { type: 'boolean' },
		'incoming': { type: 'boolean' },
		'key': { type: 'string', default: '' },
		'p2p': { type: 'string', default: '1' },
		'rtc-server': { type: 'string', multiple: true, default: [] },
		'in': { type: 'string' },
		'out': { type: 'string' },
		'seconds': { type: 'string', default: '0' },
		'setup': { type: 'string', default: 'passive' },
		'list-versions': { type: 'boolean' },
	} })
	const key = Buffer.from(values.key, 'hex')

	if (values['list-versions']) {
		console.log(VERSIONS.join('\n'))
		process.exit(0)
	}
	if (!VERSIONS.includes(values.version) || key.length !== KEY_BYTES ||
	    Boolean(values.outgoing) === Boolean(values.incoming)) {
		console.error('endpoint: --version, --key and one of --outgoing, ' +
			'--incoming are needed')
		process.exit(2)
	}
	return {
		version: values.version,
		outgoing: Boolean(values.outgoing),
		key,
		p2p: values.p2p !== '0',
		servers: values['rtc-server'].map((text) => JSON.parse(text)),
		in: values.in,
		out: values.out,
		seconds: Number(values.seconds),
		setup: values.setup,
	}
}

function line_put(text) {
	process.stdout.write(text + '\n')
}

const options = options_parse()
const call = new Call(options, {
	signal: (blob) => line_put(`SIG ${blob.toString('hex')}`),
	state: (name) => line_put(`STATE ${name}`),
})
let ending = false

async function end() {
	if (ending)
		return
	ending = true
	line_put(`STATS ${JSON.stringify(await call.stop())}`)
	process.stdout.write('', () => process.exit(0))
}

createInterface({ input: process.stdin })
	.on('line', (line) => {
		const [word, value] = line.trim().split(' ')

		if (word === 'SIG')
			call.signal(Buffer.from(value, 'hex'))
		else if (word === 'MUTE')
			call.mute(value === '1')
		else if (word === 'RESTART')
			call.restart()
		else if (word === 'STOP')
			end()
	})
	.on('close', end)
for (const signal of ['SIGTERM', 'SIGINT'])
	process.on(signal, end)
if (options.seconds)
	setTimeout(end, options.seconds * 1000)
call.start()
