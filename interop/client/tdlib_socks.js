// TDLib dials Telegram's own addresses; a SOCKS5 proxy is the way it offers to
// lead it elsewhere. This one takes every connection to one server.
import net from 'node:net'

const VERSION = 5
const CONNECT = 1
const ADDRESS_BYTES = { 1: 4, 4: 16 } // IPv4, IPv6; names tell their length
const TYPE_NAME = 3
const GRANTED = Buffer.from([VERSION, 0, 0, 1, 0, 0, 0, 0, 0, 0])

// Bytes of the request at the front of data; 0: not all of it is there.
function request_bytes(data) {
	if (data.length < 5)
		return 0
	const address = data[3] === TYPE_NAME ? 1 + data[4]
		: ADDRESS_BYTES[data[3]]

	if (data[0] !== VERSION || data[1] !== CONNECT || !address)
		throw new Error('no SOCKS5 CONNECT')
	return data.length < 6 + address ? 0 : 6 + address
}

function join(client, rest, { host, port }) {
	const far = net.connect(port, host, () => {
		client.write(GRANTED)
		far.write(rest)
		client.pipe(far).pipe(client)
	})

	client.setNoDelay(true)
	far.setNoDelay(true)
	far.on('error', () => client.destroy())
	client.on('error', () => far.destroy())
	client.on('close', () => far.destroy())
	far.on('close', () => client.destroy())
}

function serve(client, target) {
	let data = Buffer.alloc(0)
	let greeted = false

	client.on('error', () => client.destroy())
	client.on('data', function on_data(piece) {
		data = Buffer.concat([data, piece])
		try {
			if (!greeted && data.length >= 2 &&
			    data.length >= 2 + data[1]) {
				greeted = true
				data = data.subarray(2 + data[1])
				client.write(Buffer.from([VERSION, 0]))
			}
			const size = greeted ? request_bytes(data) : 0

			if (size) {
				client.off('data', on_data)
				client.pause()
				join(client, data.subarray(size), target)
			}
		} catch {
			client.destroy()
		}
	})
}

// target: { host, port }; resolves with the proxy's port on loopback.
export function socks_start(target) {
	const server = net.createServer((client) => serve(client, target))

	server.unref()
	return new Promise((resolve, reject) => {
		server.on('error', reject)
		server.listen(0, '127.0.0.1', () =>
			resolve(server.address().port))
	})
}
