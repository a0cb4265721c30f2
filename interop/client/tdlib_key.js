// TDLib has the data centres' public keys compiled in as PEM text. This writes
// the simulator's over them: the library is otherwise as it comes.
import { createPublicKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { key_fingerprint } from './server_key.js'

const BEGIN = '-----BEGIN RSA PUBLIC KEY-----'
const END = '-----END RSA PUBLIC KEY-----'
// Telegram's production and test keys; others have other uses.
const KNOWN = [-3414540481677951611n, -5595554452916591101n]

function is_known(pem) {
	try {
		return KNOWN.includes(key_fingerprint(createPublicKey(pem)))
	} catch {
		return false
	}
}

export function key_patch(library, key_path, patched) {
	const key = createPublicKey(readFileSync(key_path))
	const ours = key.export({ type: 'pkcs1', format: 'pem' }).trim()
	const bytes = readFileSync(library)
	let count = 0

	for (let at = bytes.indexOf(BEGIN); at >= 0;
		at = bytes.indexOf(BEGIN, at + 1)) {
		const end = bytes.indexOf(END, at) + END.length

		if (!is_known(bytes.toString('latin1', at, end)))
			continue
		if (end - at !== ours.length)
			throw new Error(`the key in ${library} has another size`)
		bytes.write(ours, at, 'latin1')
		count++
	}
	if (!count)
		throw new Error(`no key of Telegram's in ${library}`)
	writeFileSync(patched, bytes, { mode: 0o755 })
}
