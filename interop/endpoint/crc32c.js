// CRC32C (Castagnoli), the checksum of SCTP: RFC 9260, appendix A.
const POLYNOMIAL = 0x82f63b78
const table = new Uint32Array(256)

for (let i = 0; i < 256; i++) {
	let c = i

	for (let bit = 0; bit < 8; bit++)
		c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1
	table[i] = c
}

export function crc32c(bytes) {
	let c = 0xffffffff

	for (const byte of bytes)
		c = table[(c ^ byte) & 0xff] ^ (c >>> 8)
	return (c ^ 0xffffffff) >>> 0
}
