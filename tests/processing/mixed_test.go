//go:build linux

package processing_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/tests/program"
)

const (
	mixedFiles = 3
	mixedSteps = 40
	mixedKills = 3
)

// TestEverythingAtOnce does everything that can be done with files while they are processed, in an order that nobody planned, with a model that
// often fails and a server that is killed now and then. In the end nothing is under way any more, and the versions tell how each file's metadata
// came to be.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	seed := program.Number(t, "PROCESSING_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("PROCESSING_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(uint64(seed), 2))
	data := newData(t)
	env := withModel(llmtest.New(t, moody()), "SATCHEL_WORKERS=2")
	s := start(t, data, env...)
	var all []string
	for n := range mixedFiles {
		all = append(all, s.put(plain(fmt.Sprintf("%d.txt", n), "Sender: Ada Lovelace\n"), instructed("Who has sent it?")).ID)
	}
	for step := range mixedSteps {
		s.disturb(all[rng.IntN(len(all))], rng)
		if step%(mixedSteps/mixedKills) == mixedSteps/mixedKills-1 {
			s.journal().wait(rng.IntN(10))
			s.Kill()
			s = start(t, data, env...)
		}
	}
	for _, id := range all {
		s.do(http.MethodPost, "/files/"+id+"/process", nil) // whose reading was cancelled is read now
		program.Within(t, "nothing is under way any more", func() bool {
			return !slices.ContainsFunc(s.runs(id), func(run *api.Run) bool { return run.EndedAt == nil })
		})
		if file := s.file(id); file.Status != "processed" && file.Status != "error" {
			t.Errorf("no run is open, and the file is %s: %s", file.Status, textOf(file.StatusDetails))
		}
		s.replay(id)
	}
	s.leaves(2 * mixedFiles)
}

// moody is a model that talks nonsense, fails, or does what it should, in turn.
func moody() llmtest.Behaviour {
	var calls atomic.Int32
	return llmtest.By(func(c llmtest.Call) llmtest.Behaviour {
		switch n := calls.Add(1); {
		case n%7 == 3:
			return say("Well, well.")
		case n%19 == 11:
			return llmtest.Fail(http.StatusInternalServerError, "", "")
		case isAsk(c):
			return say(fmt.Sprintf(`{"needs_document":%v,"set":{"seen":"by the model, %d"}}`, n%2 == 0, n))
		}
		return reads()
	})
}

// disturb does something with a file. Only conflicts may be refused.
func (s *server) disturb(id string, rng *rand.Rand) {
	s.t.Helper()
	metadata := "/files/" + id + "/metadata"
	var a answer
	switch n := rng.IntN(100); rng.IntN(8) {
	case 0, 1, 2:
		a = s.update(id, map[string]any{"instructions": fmt.Sprintf("Set seen to by the model, %d.", n)}, "Prefer", "wait=0")
	case 3:
		a = s.do(http.MethodPost, "/files/"+id+"/process", nil)
	case 4:
		a = s.update(id, map[string]any{[]string{"seen", "own", "sender"}[n%3]: n})
	case 5:
		a = s.do(http.MethodPost, "/files/"+id+"/cancel", nil)
	case 6:
		a = s.do(http.MethodPost, fmt.Sprintf("%s/versions/%d/revert", metadata, 1+n%5), nil)
	case 7:
		a = s.do(http.MethodPatch, metadata+"?dry_run=true", order("Set seen to true."), "Prefer", "wait=0")
	}
	missing := a.status == http.StatusNotFound && strings.Contains(string(a.body), "Version not found")
	if a.status != http.StatusOK && a.status != http.StatusConflict && !missing {
		s.t.Errorf("the answer is %s", a)
	}
}

// replay checks that the versions of a file follow each other, and that the last that changed each key agrees with what the metadata say of it.
func (s *server) replay(id string) {
	s.t.Helper()
	all := s.versions(id)
	view := decode[api.MetadataView](s.t, s.do(http.MethodGet, "/files/"+id+"/metadata", nil))
	var present map[string]any
	program.Must(s.t, json.Unmarshal(view.Metadata, &present))
	if len(all) == 0 || view.Version != all[0].Number || len(present) != len(view.Sources) {
		s.t.Errorf("the metadata are %s", encode(s.t, view))
	}
	last := map[string]int64{}
	for i, version := range all {
		if version.Number != int64(len(all)-i) {
			s.t.Errorf("version %d stands where %d should", version.Number, len(all)-i)
		}
		if version.Error != nil && len(version.Keys) > 0 {
			s.t.Errorf("a failed version changed %q", version.Keys)
		}
		for _, key := range version.Keys {
			if _, known := last[key]; !known {
				last[key] = version.Number
			}
		}
	}
	for key, source := range view.Sources {
		if source.Version != last[key] {
			s.t.Errorf("%s comes from version %d, and was last changed by %d", key, source.Version, last[key])
		}
	}
}
