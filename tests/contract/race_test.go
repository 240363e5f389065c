package contract

import (
	"fmt"
	"sync"
	"testing"
)

// Requests at the same moment with one Idempotency-Key make one set of files, and all of them are told of it; the bytes of the losers are thrown away.
func TestOneKeyAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const clients, rounds = 8, 5
	for round := range rounds {
		r := upload(rootToken).with("Idempotency-Key", fmt.Sprintf("key-%d", round))
		answers := make([]string, clients)
		s.atOnce(clients, func(i int) {
			list := s.do(t, r).list(t)
			answers[i] = list.Data[0].ID + list.Data[1].ID
		})
		for _, ids := range answers[1:] {
			if ids != answers[0] {
				t.Errorf("round %d: %s and %s", round, answers[0], ids)
			}
		}
	}
	if list := s.do(t, as(rootToken, "GET", "/files")).list(t); len(list.Data) != 2*rounds {
		t.Errorf("%d files", len(list.Data))
	}
	if blobs := s.blobs(t); len(blobs) != 2*rounds {
		t.Errorf("%d stored objects", len(blobs))
	}
}

// Different content at the same moment under one key: one wins, the others are told so.
func TestOneKeyForDifferentContent(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const clients = 8
	codes := make([]string, clients)
	s.atOnce(clients, func(i int) {
		a := s.do(t, as(rootToken, "POST", "/files").with("Idempotency-Key", "key").form(file("a.txt", fmt.Sprint(i))))
		codes[i] = "200"
		if a.status != 200 {
			codes[i] = a.code(t)
		}
	})
	won := 0
	for _, code := range codes {
		switch code {
		case "200":
			won++
		case "409 idempotency_key_reused":
		default:
			t.Error(code)
		}
	}
	if blobs := s.blobs(t); won != 1 || len(blobs) != 1 {
		t.Errorf("%d requests won, %d objects are stored", won, len(blobs))
	}
}

// Updates of one file at the same moment lose nothing: each client's key is there at the end.
func TestUpdatesAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	target := "/files/" + s.do(t, as(rootToken, "POST", "/files").form(file("a.txt", "a"))).file(t).ID + "/metadata"
	const clients, each = 8, 5
	s.atOnce(clients, func(i int) {
		for n := range each {
			s.do(t, as(rootToken, "PATCH", target).json(t, map[string]int{fmt.Sprintf("%d-%d", i, n): n})).want(t, 200)
		}
	})
	a := s.do(t, as(rootToken, "PATCH", target).json(t, map[string]int{}))
	var file struct{ Metadata map[string]int }
	a.decode(t, &file)
	if len(file.Metadata) != clients*each {
		t.Errorf("%d keys of %d are left", len(file.Metadata), clients*each)
	}
}

// Of several deletions at the same moment one is told that it deleted the file.
func TestDeletionsAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	target := "/files/" + s.do(t, as(rootToken, "POST", "/files").form(file("a.txt", "a"))).file(t).ID
	var mu sync.Mutex
	counts := map[int]int{}
	s.atOnce(8, func(int) {
		a := s.do(t, as(rootToken, "DELETE", target))
		mu.Lock()
		defer mu.Unlock()
		counts[a.status]++
	})
	if counts[200] != 1 || counts[404] != 7 {
		t.Errorf("statuses: %v", counts)
	}
}

// Members who make one workspace at the same moment: one makes it and writes in it, the others have no part in it.
func TestOneWorkspaceAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const clients = 6
	tokens := make([]string, clients)
	for i := range tokens {
		tokens[i] = s.token(t, fmt.Sprintf("acme user-%d member", i))
	}
	codes := make([]string, clients)
	s.atOnce(clients, func(i int) {
		a := s.do(t, as(tokens[i], "POST", "/files?workspace=new").form(file("a.txt", "a")))
		codes[i] = "200"
		if a.status != 200 {
			codes[i] = a.code(t)
		}
	})
	won := 0
	for _, code := range codes {
		switch code {
		case "200":
			won++
		case "403 workspace_forbidden":
		default:
			t.Error(code)
		}
	}
	if won != 1 {
		t.Errorf("%d members made the workspace", won)
	}
}

// atOnce calls f from several goroutines that start together.
func (*server) atOnce(clients int, f func(i int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range clients {
		group.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	group.Wait()
}
