// A steered user or bot on @mtcute/node: texts, keyboards, inline results and
// files.
//
//   node main.js DC HOST PORT PUBLIC_KEY own|gateway
//
// In, a JSON object a line: {"n":1,"op":"text",..}, op being one of `orders`.
// Out: {"n":1,"ok":true,..} or {"n":1,"ok":false,"error":..} for each, and
// {"event":..} as they come. Numbers of 64 bits are text.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import Long from 'long'
import { BotInline, BotInlineMessage, BotKeyboard } from '@mtcute/node'
import { Account, key_trust } from '../mtproto/client.js'

const [dc, host, port, key, layer] = process.argv.slice(2)

function say(object) {
	process.stdout.write(JSON.stringify(object) + '\n')
}

await key_trust(key)
const account = new Account({ id: Number(dc), host, port: Number(port), layer })
const { client } = account
const inline_ids = []

// -- what comes in -----------------------------------------------------------

function text_of(bytes) {
	return bytes ? Buffer.from(bytes).toString() : undefined
}

function file_of(media) {
	const document = media?.document

	if (!document)
		return undefined
	const sound = document.attributes.find((a) =>
		a._ === 'documentAttributeAudio')
	const named = document.attributes.find((a) =>
		a._ === 'documentAttributeFilename')

	return { size: document.size, name: named?.fileName,
		voice: sound?.voice === true, seconds: sound?.duration,
		waveform: sound?.waveform &&
			Buffer.from(sound.waveform).toString('hex') }
}

function message_of(m) {
	return { id: m.id, text: m.message, out: m.out === true,
		via_bot: m.viaBotId, edited: m.editDate !== undefined,
		entities: (m.entities ?? []).map((e) =>
			[e._, e.offset, e.length]),
		buttons: (m.replyMarkup?.rows ?? []).map((row) =>
			row.buttons.map((b) => text_of(b.data) ?? b.url)),
		file: file_of(m.media) }
}

// The bot's names for messages are kept here and numbered.
function inline_id_keep(id) {
	return id && inline_ids.push(id) - 1
}

const tellers = {
	updateNewMessage: (u) => ({ event: 'message', ...message_of(u.message) }),
	updateEditMessage: (u) => ({ event: 'edited', ...message_of(u.message) }),
	updateDeleteMessages: (u) => ({ event: 'deleted', ids: u.messages }),
	updateBotCallbackQuery: (u) => ({ event: 'pressed', id: u.msgId,
		query: u.queryId.toString(), data: text_of(u.data) }),
	updateInlineBotCallbackQuery: (u) => ({ event: 'pressed',
		query: u.queryId.toString(), data: text_of(u.data),
		message: inline_id_keep(u.msgId) }),
	updateBotInlineQuery: (u) => ({ event: 'inline-query',
		query: u.queryId.toString(), text: u.query }),
	updateBotInlineSend: (u) => ({ event: 'inline-chosen', result: u.id,
		message: inline_id_keep(u.msgId) }),
}

client.onRawUpdate.add(({ update }) => {
	if (tellers[update._])
		say(tellers[update._](update))
})

// -- orders -------------------------------------------------------------------

function keyboard_of(rows) {
	return rows && BotKeyboard.inline(rows.map((row) =>
		row.map(([text, data]) => BotKeyboard.callback(text, data))))
}

const orders = {
	async login({ phone, code }) {
		const self = await account.start({ phone, code: () => code })

		return { id: self.id }
	},

	async login_bot({ token }) {
		const self = await client.start({ botToken: token })

		return { id: self.id }
	},

	async resolve({ to }) {
		await client.resolvePeer(to)
	},

	async text({ to, text, entities, keyboard }) {
		const m = await client.sendText(to, { text,
			entities: (entities ?? []).map(([_, offset, length]) =>
				({ _, offset, length })) },
		{ replyMarkup: keyboard_of(keyboard) })

		return { id: m.id }
	},

	async edit({ to, id, text, keyboard }) {
		await client.editMessage({ chatId: to, message: id, text,
			replyMarkup: keyboard_of(keyboard) })
	},

	async delete({ to, ids }) {
		await client.deleteMessagesById(to, ids)
	},

	async press({ to, id, data }) {
		const answer = await client.getCallbackAnswer({ chatId: to,
			message: id, data })

		return { answer: answer.message }
	},

	async answer({ query, text }) {
		await client.answerCallbackQuery(Long.fromString(query), { text })
	},

	async ask({ bot, to, text }) {
		const results = await client.call({
			_: 'messages.getInlineBotResults',
			bot: await client.resolveUser(bot),
			peer: await client.resolvePeer(to), query: text, offset: '' })

		return { query: results.queryId.toString(),
			results: results.results.map((r) => r.id) }
	},

	async send_result({ to, query, result }) {
		const updates = await client.call({
			_: 'messages.sendInlineBotResult',
			peer: await client.resolvePeer(to),
			queryId: Long.fromString(query), id: result,
			randomId: await client.getMtprotoMessageId() })

		client.handleClientUpdate(updates)
	},

	async offer({ query, results }) {
		await client.answerInlineQuery(Long.fromString(query),
			results.map(({ id, title, text, keyboard }) =>
				BotInline.article(id, { title,
					message: BotInlineMessage.text(text, {
						replyMarkup: keyboard_of(keyboard) }) })),
			{ cacheTime: 0 })
	},

	async edit_inline({ message, text, keyboard }) {
		await client.editInlineMessage({ messageId: inline_ids[message],
			text, replyMarkup: keyboard_of(keyboard) })
	},

	async file({ to, path, name, caption }) {
		await client.sendMedia(to, { type: 'document',
			file: readFileSync(path), fileName: name, caption })
	},

	async voice({ to, path, seconds, levels }) {
		await client.sendMedia(to, { type: 'voice',
			file: readFileSync(path), fileMime: 'audio/ogg',
			duration: seconds, waveform: levels })
	},

	// The SHA-256 of the file in a message.
	async fetch({ to, id }) {
		const [m] = await client.getMessages(to, id)
		const bytes = await client.downloadAsBuffer(m.media)

		return { sha256: createHash('sha256').update(bytes).digest('hex') }
	},
}

async function obey({ n, op, ...fields }) {
	try {
		say({ n, ok: true, ...await orders[op](fields) })
	} catch (error) {
		say({ n, ok: false, error: String(error.text ?? error.message),
			stack: error.stack, log: account.log.slice(-20) })
	}
}

process.on('unhandledRejection', (error) =>
	console.error('unhandled:', error))
createInterface({ input: process.stdin })
	.on('line', (line) => obey(JSON.parse(line)))
	.on('close', () => process.exit(0))
say({ event: 'started' })
