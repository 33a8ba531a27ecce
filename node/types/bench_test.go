package types

import (
	"encoding/json"
	"testing"
)

func benchRecord() *Record {
	key := NewPrivateKey([32]byte{1})
	r := &Record{Type: Transfer, Time: 1_700_000_000_123_456_789, Sender: KeyedAccount(key.Public()), Receiver: KeyedAccount(PublicKey{2}), Amount: 12345, Nonce: 77}
	return r.Sign(Hash{3}, key)
}

func BenchmarkRecordUnmarshalJSON(b *testing.B) {
	data, err := benchRecord().MarshalJSON()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var r Record
		if err := r.UnmarshalJSON(data); err != nil {
			b.Fatal(err)
		}
	}
}

// A list of records as it comes in a frame of the API.
func BenchmarkRecordsFromJSON(b *testing.B) {
	list := make([]*Record, 100)
	for i := range list {
		list[i] = benchRecord()
	}
	data, err := json.Marshal(list)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var out []*Record
		if err := json.Unmarshal(data, &out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/record")
}

// BenchmarkRecordView is a record as subscribers are told of it.
func BenchmarkRecordView(b *testing.B) {
	v := RecordView{Record: benchRecord(), Prev: SumHash(nil)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.MarshalJSON(); err != nil {
			b.Fatal(err)
		}
	}
}
