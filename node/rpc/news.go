package rpc

import (
	"bytes"

	"github.com/posnet/posnet/node/rpc/message"
)

// itemBytes is room for one item of a block's news: a signed transfer takes 400
// bytes.
const itemBytes = 448

// news returns the frame that tells of an event.
func news(e message.Event) ([]byte, error) {
	var b bytes.Buffer
	err := encode(&b, e)
	return b.Bytes(), err
}

// newsOfBlock puts the items into the news of a block without them: encoding/json
// would read through each a second time, which takes more than all the rest.
func newsOfBlock(b message.Block) ([]byte, error) {
	const none = `"items":[]` // in no text: quotes are escaped there
	items := b.Items
	b.Items = []message.Item{}
	frame, err := news(message.Event{Topic: message.TopicBlocks, Block: &b})
	if err != nil || len(items) == 0 {
		return frame, err
	}
	head, tail, _ := bytes.Cut(frame, []byte(none))
	out := append(make([]byte, 0, len(frame)+len(items)*itemBytes), head...)
	out = append(out, none[:len(none)-1]...)
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = item.AppendJSON(out)
	}
	return append(append(out, ']'), tail...), nil
}
