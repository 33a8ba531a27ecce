package ledger

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTrieLoaded: entries gathered in any order make the trie that sets make, which
// goes on as any does.
func TestTrieLoaded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.MapOfN(rapid.StringMatching(`[a-z]{1,3}`), rapid.String(), 0, 2*chunkSize).Draw(t, "entries")
		var loaded, set trie
		for k, v := range entries { // in another order each time
			loaded.gather([]byte(k), []byte(v))
		}
		if !loaded.link() || loaded.size != len(entries) {
			t.Fatalf("the trie holds %d entries, want %d", loaded.size, len(entries))
		}
		for k, v := range entries {
			set.put([]byte(k), []byte(v))
		}
		if got, want := loaded.root(), plainRoot(entries); got != want || got != set.root() {
			t.Fatalf("the digest of %d entries is %s, by sets %s, plainly %s", len(entries), got, set.root(), want)
		}
		more := rapid.MapOfN(rapid.StringMatching(`[a-z]{1,3}`), rapid.String(), 0, 20).Draw(t, "changes")
		for k, v := range more {
			if len(v) == 0 {
				loaded.remove(hashKey([]byte(k)))
				delete(entries, k)
				continue
			}
			loaded.put([]byte(k), []byte(v))
			entries[k] = v
		}
		if got, want := loaded.root(), plainRoot(entries); got != want {
			t.Fatalf("after changes the digest of %d entries is %s, plainly %s", len(entries), got, want)
		}
	})
}

func TestTrieLoadedTwice(t *testing.T) {
	var trie trie
	for _, k := range []string{"b", "a", "c", "a"} {
		trie.gather([]byte(k), nil)
	}
	if trie.link() {
		t.Error("an entry may be there twice")
	}
}
