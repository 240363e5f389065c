//go:build linux

package processing_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/tests/program"
)

const (
	sections   = 4            // of the report whose processing is killed
	requests   = sections + 1 // that reading it takes: its windows, and the choice between what they say of the state
	everything = "Find every item, and the state."
	killRounds = 6
)

// story is a report that a model is to read. Whatever is killed meanwhile, the same must come of it.
type story struct {
	t     *testing.T
	model *llmtest.Server
	data  string
	file  *api.File
}

func newStory(t *testing.T, otherwise llmtest.Behaviour) *story {
	t.Helper()
	return &story{t: t, model: llmtest.New(t, otherwise), data: newData(t)}
}

// start starts a server that has one worker and makes one request at a time.
func (st *story) start(env ...string) *server {
	st.t.Helper()
	return start(st.t, st.data, withModel(st.model, append([]string{"SATCHEL_WORKERS=1", "SATCHEL_LLM_REQUESTS=1"}, env...)...)...)
}

func (st *story) upload(s *server) {
	st.t.Helper()
	st.file = s.put(plain("report.txt", report(sections)), instructed(everything))
}

// asked gives what the model was asked about the reports.
func (st *story) asked() (all []string) {
	for _, prompt := range prompts(st.model) {
		if strings.Contains(prompt, everything) {
			all = append(all, prompt)
		}
	}
	return all
}

// check waits until the report is processed, and looks at what was made of it: all of it, once.
func (st *story) check(s *server) {
	st.t.Helper()
	file := s.settled(st.file.ID)
	wantFile(st.t, file, "processed", "", "")
	wantMetadata(st.t, file, reported(sections))
	if text := s.text(file.ID); text != report(sections) {
		st.t.Errorf("the text has %d bytes, want those %d of the file", len(text), len(report(sections)))
	}
	want := api.Usage{InputTokens: requests * tokensRead, OutputTokens: requests * tokensWritten, TotalTokens: requests * (tokensRead + tokensWritten)}
	versions := s.versions(file.ID)
	if len(versions) != 2 || versions[0].Source != "ai" || versions[0].Usage != want || versions[1].Source != "user" {
		st.t.Errorf("there are %d versions, want one by the user and one by the model: %s", len(versions), encode(st.t, versions))
	}
	runs := s.runs(file.ID)
	if len(runs) != 1 || runs[0].Status != "succeeded" || runs[0].Usage != want {
		st.t.Errorf("there are %d runs, want one: %s", len(runs), encode(st.t, runs))
	}
}

// wantRequests checks that the model was asked everything, and at most so many things twice.
func (st *story) wantRequests(files, again int) {
	st.t.Helper()
	asked := st.asked()
	if n := len(distinct(asked)); n != requests || len(asked) < files*requests || len(asked) > files*requests+again {
		st.t.Errorf("the model got %d requests, %d different ones; want %d for each of %d files, and at most %d of them again", len(asked), n, requests, files, again)
	}
}

// goesOn starts a server once more, which makes all of the one report, asks the model at most so many things again, and leaves so many objects.
func (st *story) goesOn(again, objects int) {
	st.t.Helper()
	s := st.start()
	st.check(s)
	st.wantRequests(1, again)
	s.leaves(objects)
}

func TestNothingIsKilled(t *testing.T) {
	t.Parallel()
	st := newStory(t, reads())
	s := st.start()
	st.upload(s)
	st.check(s)
	st.wantRequests(1, 0)
	s.leaves(2)
}

// TestWorkersElsewhere uploads to a server that has no workers: the file waits for one that has some.
func TestWorkersElsewhere(t *testing.T) {
	t.Parallel()
	st := newStory(t, reads())
	s := st.start("SATCHEL_WORKERS=0")
	st.upload(s)
	s.Swept(2)
	wantFile(t, s.file(st.file.ID), "uploaded", "", "")
	if run := s.run(st.file.ID); run.Status != "queued" || run.Step != "extract" {
		t.Errorf("the run is %s at %s", run.Status, run.Step)
	}
	wantProblem(t, s.do(http.MethodGet, "/files/"+st.file.ID+"/text", nil), http.StatusNotFound, "no_text")
	if children := s.children(); len(children) > 0 {
		t.Errorf("%d processes read documents", len(children))
	}
	s.Kill()
	st.goesOn(0, 2)
}

// TestKilledWhenClaimed kills the server when a worker has the run, and its child the document.
func TestKilledWhenClaimed(t *testing.T) {
	t.Parallel()
	st := newStory(t, reads())
	s := st.start()
	halt(t, s.child())
	st.upload(s)
	s.reaches(st.file.ID, "running", "extract", "")
	s.Kill()
	st.goesOn(0, 4)
}

// TestKilledBetweenSteps kills the server when the text is kept, and the run waits for its turn with the model.
func TestKilledBetweenSteps(t *testing.T) {
	t.Parallel()
	st := newStory(t, reads())
	s := st.start()
	busy := newGate(say(`{"set":{}}`))
	st.model.Enqueue(busy.hold)
	s.put(plain("other.txt", "A short one."), instructed("Find nothing."))
	next(t, "the other file's request", busy.entered)
	st.upload(s)
	s.reaches(st.file.ID, "queued", "instruct", "")
	if text := s.text(st.file.ID); text != report(sections) {
		t.Errorf("the text has %d bytes", len(text))
	}
	s.Kill()
	busy.release()
	st.goesOn(0, 4)
}

// TestKilledInEveryRequest kills the server during each of its requests to the model: each is made once more, and none of those before it.
func TestKilledInEveryRequest(t *testing.T) {
	t.Parallel()
	entered := make(chan int, 2*requests)
	calls := &atomic.Int32{}
	st := newStory(t, llmtest.By(func(llmtest.Call) llmtest.Behaviour {
		if n := int(calls.Add(1)); n%2 == 1 {
			entered <- n
			return llmtest.Hang()
		}
		return reads()
	}))
	s := st.start()
	st.upload(s)
	for range requests {
		next(t, "a request to the model", entered)
		s.Kill()
		s = st.start()
	}
	st.check(s)
	asked := st.asked()
	for i := 0; i+1 < len(asked); i += 2 {
		if asked[i] != asked[i+1] {
			t.Errorf("behind the kill in request %d came another one:\n%.300s", i/2+1, asked[i+1])
		}
	}
	if len(asked) != 2*requests {
		t.Errorf("the model got %d requests, want each of %d twice", len(asked), requests)
	}
	s.leaves(2)
}

// TestAnUpdateIsKilled kills the server during each request of an instruction about the metadata of a PDF.
func TestAnUpdateIsKilled(t *testing.T) {
	t.Parallel()
	pdfsAreFast(t)
	entered := make(chan bool, 4)
	calls := &atomic.Int32{}
	st := newStory(t, llmtest.By(func(llmtest.Call) llmtest.Behaviour {
		if calls.Add(1)%2 == 1 {
			entered <- true
			return llmtest.Hang()
		}
		return reads()
	}))
	s := st.start()
	file := s.read(invoice(), metadata(`{"archive":"B 12"}`))
	s.update(file.ID, map[string]any{"instructions": "Find the supplier and the total.", "named": true}, "Prefer", "respond-async")
	for range 2 {
		next(t, "a request to the model", entered)
		s.Kill()
		s = st.start()
	}
	after := s.settled(file.ID)
	wantFile(t, after, "processed", "", "")
	wantMetadata(t, after, `{"archive":"B 12","date":"2026-03-05","named":true,"supplier":"Acme Ltd","total":1234.5}`)
	if v := s.versions(file.ID); len(v) != 3 || v[0].Source != "ai" || v[0].Usage.TotalTokens != 2*(tokensRead+tokensWritten) {
		t.Errorf("the versions are %s", encode(t, v))
	}
	if asked := prompts(st.model); len(asked) != 4 || len(distinct(asked)) != 2 {
		t.Errorf("the model got %d requests, want each of two twice", len(asked))
	}
	s.leaves(2)
}

// TestStoppedInARequest is the orderly end: what is under way is given up, and goes on when the server is there again.
func TestStoppedInARequest(t *testing.T) {
	t.Parallel()
	st := newStory(t, reads())
	held := newGate(nil)
	st.model.Enqueue(reads(), held.hold)
	s := st.start("SATCHEL_SHUTDOWN_TIMEOUT=100ms")
	st.upload(s)
	next(t, "the second request", held.entered)
	s.Stop()
	st.goesOn(1, 2)
}

// TestKilledAtTheEnd kills the server around the end of a run: when the last answer has been sent, and so many writes to the database later.
func TestKilledAtTheEnd(t *testing.T) {
	t.Parallel()
	for later := range 4 {
		t.Run(strconv.Itoa(later), func(t *testing.T) {
			t.Parallel()
			sent := make(chan bool, 2)
			st := newStory(t, func(ctx context.Context, w http.ResponseWriter, c llmtest.Call) {
				reads()(ctx, w, c)
				if isChoice(c) {
					_ = http.NewResponseController(w).Flush() // to a client that may be dead
					sent <- true
				}
			})
			s := st.start()
			st.upload(s)
			next(t, "the last answer", sent)
			s.journal().wait(later)
			s.Kill()
			st.goesOn(1, 2)
		})
	}
}

// journal is the log of a server's database, which is written with every commit.
type journal struct {
	path string
	last os.FileInfo
}

func (s *server) journal() *journal {
	j := &journal{path: filepath.Join(s.Data, "satchel.db-wal")}
	j.changed()
	return j
}

// changed looks whether something was written.
func (j *journal) changed() bool {
	now, err := os.Stat(j.path)
	if err != nil {
		return false
	}
	before := j.last
	j.last = now
	return before == nil || before.Size() != now.Size() || !before.ModTime().Equal(now.ModTime())
}

// wait waits until something was written so many times, or nothing more is: then the work is done.
func (j *journal) wait(times int) {
	tick := time.NewTicker(100 * time.Microsecond)
	defer tick.Stop()
	last := time.Now()
	for times > 0 && time.Since(last) < 200*time.Millisecond {
		<-tick.C
		if j.changed() {
			times, last = times-1, time.Now()
		}
	}
}

// TestKilledAtRandom kills the server at random moments of many runs, and in the middle of its recovery from that.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	seed := program.Number(t, "PROCESSING_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("PROCESSING_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	st := newStory(t, reads())
	kills, rounds := 0, program.Number(t, "PROCESSING_ROUNDS", killRounds)
	for round := range rounds {
		s := st.start()
		st.upload(s)
		for range 1 + rng.IntN(2) {
			s.journal().wait(rng.IntN(20))
			s.Kill()
			kills++
			s = st.start()
		}
		st.check(s)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
		s.Stop()
	}
	st.wantRequests(rounds, kills)
	st.start().leaves(2 * rounds)
}
