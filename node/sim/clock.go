package sim

import "time"

// clock is virtual time: a queue of what is to happen. What is due at the same
// time happens in the order in which it was planned.
type clock struct {
	now   time.Duration // since the start
	count uint64
	queue []planned // a binary heap
}

type planned struct {
	at   time.Duration
	rank uint64
	do   func()
}

func (p planned) before(q planned) bool {
	return p.at < q.at || p.at == q.at && p.rank < q.rank
}

// after plans something.
func (c *clock) after(delay time.Duration, do func()) {
	c.count++
	c.queue = append(c.queue, planned{at: c.now + max(delay, 0), rank: c.count, do: do})
	for i := len(c.queue) - 1; i > 0 && c.queue[i].before(c.queue[(i-1)/2]); i = (i - 1) / 2 {
		c.queue[i], c.queue[(i-1)/2] = c.queue[(i-1)/2], c.queue[i]
	}
}

// next moves on to what is due first and does it; false if nothing is planned.
func (c *clock) next() bool {
	if len(c.queue) == 0 {
		return false
	}
	first, last := c.queue[0], len(c.queue)-1
	c.queue[0] = c.queue[last]
	c.queue[last] = planned{}
	c.queue = c.queue[:last]
	c.sink()
	c.now = first.at
	first.do()
	return true
}

func (c *clock) sink() {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(c.queue); child++ {
			if c.queue[child].before(c.queue[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		c.queue[i], c.queue[least] = c.queue[least], c.queue[i]
		i = least
	}
}
