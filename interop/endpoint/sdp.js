// Session descriptions as libwebrtc reads and writes them, reduced to one audio
// section and one for the data channel on one transport.

function line_find(sdp, pattern) {
	return sdp.match(new RegExp(`^a=${pattern}\\r?$`, 'm'))
}

// What our InitialSetup and NegotiateChannels tell, taken out of the local
// description.
export function local_parse(sdp) {
	const audio = sdp.slice(sdp.indexOf('m=audio'))
	const opus = Number(line_find(audio, 'rtpmap:(\\d+) opus/48000/2')[1])
	const parameters = line_find(audio, `fmtp:${opus} (.*)`)?.[1] ?? ''

	return {
		ufrag: line_find(sdp, 'ice-ufrag:(.*)')[1].trim(),
		pwd: line_find(sdp, 'ice-pwd:(.*)')[1].trim(),
		fingerprint: line_find(sdp, 'fingerprint:sha-256 (.*)')[1].trim(),
		setup: line_find(sdp, 'setup:(.*)')[1].trim(),
		ssrc: line_find(audio, 'ssrc:(\\d+) .*')?.[1],
		opus: {
			id: opus, name: 'opus', clockrate: 48000, channels: 2,
			feedbackTypes: [{ type: 'transport-cc', subtype: '' }],
			parameters: Object.fromEntries(parameters.trim().split(';')
				.map((item) => item.split('='))),
		},
		extensions: [...audio.matchAll(/^a=extmap:(\d+) (\S+)/gm)]
			.map(([, id, uri]) => ({ id: Number(id), uri })),
	}
}

function transport_lines(setup, role) {
	return [
		'c=IN IP4 0.0.0.0',
		`a=ice-ufrag:${setup.ufrag}`,
		`a=ice-pwd:${setup.pwd}`,
		'a=ice-options:trickle',
		`a=fingerprint:sha-256 ${setup.fingerprint}`,
		`a=setup:${role}`,
	]
}

function audio_lines(content) {
	const opus = content.opus
	const parameters = Object.entries(opus.parameters ?? {})
		.map(([name, value]) => `${name}=${value}`).join(';')

	return [
		`m=audio 9 UDP/TLS/RTP/SAVPF ${opus.id}`,
		...content.transport,
		'a=mid:0',
		...content.extensions.map((e) => `a=extmap:${e.id} ${e.uri}`),
		'a=sendrecv',
		'a=rtcp-mux',
		'a=rtcp-rsize',
		`a=rtpmap:${opus.id} opus/48000/2`,
		...(opus.feedbackTypes ?? []).map(
			(f) => `a=rtcp-fb:${opus.id} ${f.type} ${f.subtype}`.trim()),
		...(parameters ? [`a=fmtp:${opus.id} ${parameters}`] : []),
		`a=ssrc:${content.ssrc} cname:peer`,
		`a=ssrc:${content.ssrc} msid:peer audio`,
	]
}

// The peer's side as it would have described it itself. setup: { ufrag, pwd,
// fingerprint }; role: for a=setup; content: { ssrc, opus, extensions }.
export function remote_write(setup, role, content) {
	const transport = transport_lines(setup, role)

	return [
		'v=0',
		'o=- 1 2 IN IP4 127.0.0.1',
		's=-',
		't=0 0',
		'a=group:BUNDLE 0 1',
		'a=msid-semantic: WMS peer',
		...audio_lines({ ...content, transport }),
		'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
		...transport,
		'a=mid:1',
		'a=sctp-port:5000',
		'a=max-message-size:262144',
		'',
	].join('\r\n')
}
