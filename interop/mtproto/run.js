// An independent MTProto client against gramline-sim. Prints TAP; a line
// "REQUEST restart" asks whoever started this to kill the data centre without
// warning, start it again, and answer with a line.
//
//   node run.js DC HOST PORT PUBLIC_KEY CONTROL_SOCKET own|gateway
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { tl } from '@mtcute/node'
import { Account, key_trust } from './client.js'
import { Simulator } from './simulator.js'

const [dc, host, port, key, control, layer] = process.argv.slice(2)
const server = { id: Number(dc), host, port: Number(port), layer }
const simulator = new Simulator(control)
// Fictitious numbers: country code 999 is not assigned.
const ANNA = { id: 2001, phone: '999660000201', username: 'anna_interop' }
const BORIS = { id: 2002, phone: '999660000202', username: 'boris_interop' }
const ROBOT = { id: 2003, phone: '999660000203', username: 'robot_interop' }
// What the checks provoke, and the salts of before the restart.
const CLARA = { id: 2004, phone: '999660000204', password: 'two steps' }
const PROVOKED = new Set(['password-wrong', 'method-before-login', 'code-wrong',
	'username-unknown', 'phone-not-occupied', 'message-empty',
	'mtproto-wrong salt'])
const QUERIES_AT_ONCE = 60
const CHECK_SECONDS = 60
const GAP_TOLD_EVERY_MS = 1000

const answers = createInterface({ input: process.stdin })[
	Symbol.asyncIterator]()
const accounts = []
let anna, boris

async function login(person) {
	const account = account_new()

	await account.start({ phone: person.phone,
		code: () => simulator.code(person.phone) })
	assert.equal(Number(account.self.id), person.id)
	return account
}

function account_new(options) {
	const account = new Account(server, options)

	accounts.push(account)
	return account
}

async function tell(from, to, text) {
	await Promise.all([to.text_wait(text),
		from.client.sendText(Number(to.self.id), text)])
}

function is_rpc_error(text) {
	return (error) => tl.RpcError.is(error, text)
}

// The counters start anew with the data centre.
async function refusals_check() {
	const { refused } = await simulator.ask('refused')
	const others = Object.keys(refused).filter((k) => !PROVOKED.has(k))

	assert.deepEqual(others, [])
}

const checks = {
	async login_by_code() {
		anna = await login(ANNA)
	},

	async wrong_code_is_refused() {
		let refused = 0

		boris = account_new()
		await boris.start({
			phone: BORIS.phone,
			code: async () => {
				const code = await simulator.code(BORIS.phone)

				return refused ? code : String(99999 - Number(code))
					.padStart(code.length, '0')
			},
			refused: () => refused++,
		})
		assert.equal(refused, 1)
		assert.equal(Number(boris.self.id), BORIS.id)
	},

	async login_by_password() {
		const clara = account_new()
		const refused = []

		await clara.start({
			phone: CLARA.phone,
			code: () => simulator.code(CLARA.phone),
			password: () => refused.length ? CLARA.password : 'one step',
			refused: (type) => refused.push(type),
		})
		assert.deepEqual(refused, ['password'])
		assert.equal(Number(clara.self.id), CLARA.id)
		await clara.stop()
	},

	async login_by_qr_and_password() {
		const clara = account_new()

		await clara.start({
			qr: (url) => simulator.ask('qr-accept',
				{ user: CLARA.id, url }),
			password: CLARA.password,
		})
		assert.equal(Number(clara.self.id), CLARA.id)
		await clara.stop()
	},

	async resolve_by_username() {
		const peer = await anna.client.resolveUser(BORIS.username)

		assert.equal(peer.userId, BORIS.id)
	},

	async resolve_by_phone() {
		const peer = await anna.client.resolvePhoneNumber(BORIS.phone, true)

		assert.equal(peer.userId, BORIS.id)
		const user = await anna.client.getUser(BORIS.id)
		assert.equal(user.username, BORIS.username)
	},

	async nobody_is_not_resolved() {
		await assert.rejects(anna.client.resolvePeer('nobody_interop', true))
		await assert.rejects(
			anna.client.resolvePhoneNumber('999660000299', true))
	},

	async texts_both_ways() {
		await boris.client.resolvePeer(ANNA.username)
		await tell(anna, boris, 'Good morning')
		await tell(boris, anna, 'Добрый день, 你好 🙂')
	},

	async history_holds_the_texts() {
		const texts = (await anna.client.getHistory(BORIS.id))
			.map((message) => message.text)

		assert.deepEqual(texts.slice(0, 2),
			['Добрый день, 你好 🙂', 'Good morning'])
	},

	async long_texts_arrive_whole() {
		// Repeats pack well: queries and answers of this size are gzipped.
		await tell(anna, boris, 'all work and no play '.repeat(190).trim())
	},

	async many_queries_at_once() {
		const users = await Promise.all(
			Array.from({ length: QUERIES_AT_ONCE }, () =>
				anna.client.call({ _: 'users.getUsers',
					id: [{ _: 'inputUserSelf' }] })))

		assert.ok(users.every(([user]) => user.id === ANNA.id))
	},

	async server_error_is_told() {
		const randomId = await anna.client.getMtprotoMessageId()

		await assert.rejects(anna.client.call({ _: 'messages.sendMessage',
			peer: { _: 'inputPeerSelf' }, message: '', randomId }),
		is_rpc_error('MESSAGE_EMPTY'))
	},

	async simulated_user_writes() {
		const text = 'A text from the simulator'

		await Promise.all([anna.text_wait(text), simulator.ask('text',
			{ user: ROBOT.id, to: ANNA.id, text })])
	},

	// The library waits half a second for what the gap lacks, by a timer
	// that may come too early and is then not set again: each text after
	// the gap makes it look once more.
	async lost_update_is_fetched() {
		const lost = 'The update of this one is lost'
		const tell = (text, silent) => simulator.ask('text',
			{ user: ROBOT.id, to: ANNA.id, text, silent })
		let count = 0

		await tell(lost, true)
		await tell('This one shows the gap', false)
		const again = setInterval(() =>
			tell(`So does this, ${++count}`, false), GAP_TOLD_EVERY_MS)
		try {
			await anna.text_wait(lost)
		} finally {
			clearInterval(again)
		}
	},

	async connection_lost_and_found() {
		await simulator.ask('drop', {})
		await tell(anna, boris, 'After the cut')
		await tell(boris, anna, 'And back')
	},

	async text_while_away_arrives() {
		await simulator.ask('refuse', { on: true })
		await simulator.ask('drop', { user: ANNA.id })
		await simulator.ask('text', { user: ROBOT.id, to: ANNA.id,
			text: 'While you were away' })
		await simulator.ask('refuse', { on: false })
		await anna.text_wait('While you were away', 20)
	},

	async data_centre_restarts() {
		await refusals_check()
		console.log('REQUEST restart')
		await answers.next()
		await tell(anna, boris, 'The data centre is new')
		await tell(boris, anna, 'The keys are not')
	},

	async session_is_resumed_without_code() {
		const session = await anna.client.exportSession()

		await anna.stop()
		anna = account_new({ session })
		assert.equal(Number((await anna.start()).id), ANNA.id)
		await anna.client.resolvePeer(BORIS.username)
		await tell(anna, boris, 'Same session, new connection')
		await tell(boris, anna, 'Welcome back')
	},

	async revoked_session_is_told() {
		await simulator.ask('logout', { user: BORIS.id })
		await assert.rejects(boris.client.getMe(),
			is_rpc_error('AUTH_KEY_UNREGISTERED'))
	},

	async log_out_ends_the_session() {
		await anna.client.logOut()
		const { sessions } = await simulator.ask('sessions')
		assert.ok(!sessions.some((s) => s.user === ANNA.id))
	},

	async nothing_legal_was_refused() {
		await refusals_check()
	},
}

function deadline(promise) {
	let timer
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(
			`not done in ${CHECK_SECONDS} s`)), CHECK_SECONDS * 1000)
	})

	return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function failure_print(error) {
	const log = accounts.slice(-2).flatMap((account) => account.log)

	console.log([String(error.stack ?? error), ...log].join('\n')
		.replace(/^/gm, '# '))
}

let failed = 0
let number = 0
await key_trust(key)
for (const [name, check] of Object.entries(checks)) {
	const began = Date.now()

	try {
		await deadline(check())
		console.log(`ok ${++number} - mtcute_${layer}_layer_${name} # ` +
			`${Date.now() - began} ms`)
	} catch (error) {
		failed++
		failure_print(error)
		console.log(`not ok ${++number} - mtcute_${layer}_layer_${name}`)
	}
}
console.log(`1..${number}`)
await Promise.race([
	Promise.allSettled(accounts.map((account) => account.stop())),
	new Promise((resolve) => setTimeout(resolve, 3000)),
])
process.exit(failed ? 1 : 0)
