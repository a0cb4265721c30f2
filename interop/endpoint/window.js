// Which packet counters were seen: each once, and none 64 or more behind the
// largest.
const SIZE = 64

export class Window {
	constructor() {
		this.largest = 0
		this.seen = new Set()
	}

	accept(counter) {
		if (counter <= this.largest - SIZE || this.seen.has(counter))
			return false
		this.seen.add(counter)
		this.largest = Math.max(this.largest, counter)
		for (const old of this.seen)
			if (old <= this.largest - SIZE)
				this.seen.delete(old)
		return true
	}
}
