package cluster_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// access is one look at a register, or one write to it.
type access struct {
	register string // a file's id
	write    bool
	value    string // written; of a read it is the operation's output
}

// history keeps what several clients saw of files that all of them change.
type history struct {
	began time.Time

	mu      sync.Mutex
	all     []porcupine.Operation
	seen    map[string]bool // values that were read
	unknown []porcupine.Operation
}

func newHistory() *history { return &history{began: time.Now(), seen: map[string]bool{}} }

func (h *history) now() int64 { return time.Since(h.began).Nanoseconds() }

// note adds an operation that began at a moment and is over now. Of a write whose outcome is not known nobody knows when it is over.
func (h *history) note(who int, began int64, a access, read string, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := porcupine.Operation{ClientId: who, Input: a, Call: began, Output: read, Return: h.now()}
	switch {
	case known:
		h.all = append(h.all, o)
		if !a.write {
			h.seen[read] = true
		}
	case a.write:
		o.Return = math.MaxInt64
		h.unknown = append(h.unknown, o)
	}
}

// operations gives what is to be explained. A write of unknown outcome whose value nobody has read may never have been: it is left out.
func (h *history) operations() []porcupine.Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := append([]porcupine.Operation(nil), h.all...)
	for _, o := range h.unknown {
		if h.seen[o.Input.(access).value] {
			all = append(all, o)
		}
	}
	return all
}

// isLinearizable looks for an order of all operations, each at a moment between its call and its answer, in which every read gives what was written last.
func (h *history) isLinearizable(t testing.TB) {
	t.Helper()
	all := h.operations()
	switch porcupine.CheckOperationsTimeout(register(), all, time.Minute) {
	case porcupine.Ok:
	case porcupine.Illegal:
		t.Errorf("%d operations on shared files are not linearizable", len(all))
	default:
		t.Errorf("%d operations on shared files are too many to check", len(all))
	}
	t.Logf("%d operations on shared files are linearizable; of %d writes the outcome was not known", len(all), len(h.unknown))
}

// register is a file that holds one value.
func register() porcupine.Model {
	return porcupine.Model{
		Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
			parts := map[string][]porcupine.Operation{}
			for _, o := range all {
				id := o.Input.(access).register
				parts[id] = append(parts[id], o)
			}
			var list [][]porcupine.Operation
			for _, part := range parts {
				list = append(list, part)
			}
			return list
		},
		Init: func() any { return firstValue },
		Step: func(state, input, output any) (bool, any) {
			if a := input.(access); a.write {
				return true, a.value
			}
			return state == output, state
		},
	}
}

// TestHistory: a history in which a client reads what is over is not taken for a linearizable one.
func TestHistory(t *testing.T) {
	write := func(began, ended int64, value string) porcupine.Operation {
		return porcupine.Operation{Input: access{"f", true, value}, Call: began, Return: ended}
	}
	read := func(began, ended int64, value string) porcupine.Operation {
		return porcupine.Operation{Input: access{register: "f"}, Call: began, Output: value, Return: ended}
	}
	for name, c := range map[string]struct {
		want bool
		all  []porcupine.Operation
	}{
		"in order":          {true, []porcupine.Operation{write(1, 2, "a"), read(3, 4, "a")}},
		"a stale read":      {false, []porcupine.Operation{write(1, 2, "a"), read(3, 4, firstValue)}},
		"while it is asked": {true, []porcupine.Operation{write(1, 5, "a"), read(3, 4, firstValue), read(6, 7, "a")}},
		"back again":        {false, []porcupine.Operation{write(1, 9, "a"), read(3, 4, "a"), read(5, 6, firstValue)}},
		"unknown, late":     {true, []porcupine.Operation{write(1, math.MaxInt64, "a"), read(3, 4, firstValue), read(5, 6, "a")}},
	} {
		if got := porcupine.CheckOperations(register(), c.all); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
