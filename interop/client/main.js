#!/usr/bin/env node
// A Telegram user on somebody else's client library, steered by lines.
//
//   main.js mtcute|gramjs|tdlib DC HOST PORT PUBLIC_KEY [OPTIONS_JSON]
//
// In, a JSON object a line: {"n":1,"op":"login",...}, op being a method of
// User (user.js). Out: {"n":1,"ok":true,...} or {"n":1,"ok":false,"error":..}
// for each, and events as they come: {"event":"call"|"text"|...,...}.
import { createInterface } from 'node:readline'

const [library, dc, host, port, key, options] = process.argv.slice(2)
const { User } = await import(`./${library}.js`)

function say(object) {
	process.stdout.write(JSON.stringify(object) + '\n')
}

const user = new User({ id: Number(dc), host, port: Number(port), key },
	JSON.parse(options ?? '{}'), say)

async function end(status) {
	await Promise.race([user.stop(),
		new Promise((resolve) => setTimeout(resolve, 5000))])
	process.exit(status)
}

async function obey({ n, op, ...fields }) {
	try {
		say({ n, ok: true, ...await user[op](fields) })
	} catch (error) {
		say({ n, ok: false, error: error.errorMessage ?? error.text ??
			error.message ?? String(error), stack: error.stack })
	}
}

process.on('unhandledRejection', (error) =>
	console.error('unhandled:', error))
createInterface({ input: process.stdin })
	.on('line', (line) => obey(JSON.parse(line)))
	.on('close', () => end(0))
say({ event: 'started' })
