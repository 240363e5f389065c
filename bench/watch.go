//go:build linux

package main

import (
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	watchEvery = 20 * time.Millisecond // how often is looked at the memory of children
	readEvery  = 5 * time.Millisecond  // how often an asker asks
)

// watched is what goes on beside a measure until it is stopped.
type watched struct {
	quit chan struct{}
	done sync.WaitGroup
}

func beside(do func(quit <-chan struct{})) *watched {
	w := &watched{quit: make(chan struct{})}
	w.done.Go(func() { do(w.quit) })
	return w
}

// stop ends it, and returns when it has ended.
func (w *watched) stop() {
	close(w.quit)
	w.done.Wait()
}

// mostOfChildren gives the greatest size in memory that the children of a process have together, in MiB.
func (p *process) mostOfChildren(quit <-chan struct{}) (most float64) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-quit:
			return most
		case <-ticker.C:
			most = max(most, p.childrenResident())
		}
	}
}

// asker asks for files at a steady pace, over one connection.
type asker struct {
	c *conn

	mu    sync.Mutex
	files []*request
}

// newest is how many files an asker asks for in turn: those that were added last.
const newest = 100

// add adds a file to those that are asked for.
func (r *asker) add(file *request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = append(r.files, file)
	r.files = r.files[max(0, len(r.files)-newest):]
}

func (r *asker) file(i int) *request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.files[i%len(r.files)]
}

// read asks until it is told to quit, and gives the 99th percentile of how long the answers took, in milliseconds.
func (r *asker) read(quit <-chan struct{}) (float64, error) {
	var took []float64
	due := time.Now()
	for i := 0; ; i++ {
		begin := due // the answer before came late: what was due then has waited since
		if pause := time.Until(due); pause > 0 {
			select {
			case <-quit:
				return percentile(took, 0.99)
			case <-time.After(pause):
			}
			begin = time.Now()
		}
		if err := expect2xx(r.c.ask(r.file(i))); err != nil {
			return 0, err
		}
		took = append(took, milliseconds(time.Since(begin)))
		due = due.Add(readEvery)
		select {
		case <-quit:
			return percentile(took, 0.99)
		default:
		}
	}
}

// percentile gives the smallest value that is not under so great a part of all.
func percentile(values []float64, part float64) (float64, error) {
	if len(values) == 0 {
		return 0, errors.New("nothing was measured")
	}
	s := slices.Sorted(slices.Values(values))
	return s[max(0, int(math.Ceil(part*float64(len(s))))-1)], nil
}
