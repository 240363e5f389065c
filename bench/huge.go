//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// What is asked for in databases of several sizes.
const (
	firstPage  = "first page"
	middlePage = "middle page"
	sameFilter = "filter"
)

// loads tells how long the largest database took to be loaded.
func (b *bench) loads(ctx context.Context) ([]contestant, error) {
	h, err := b.homeOf(ctx, b.tenMillion)
	if err != nil {
		return nil, err
	}
	took := func(what string, d time.Duration) contestant {
		return contestant{name: what, run: func(context.Context) (float64, error) { return d.Seconds(), nil }}
	}
	return []contestant{took("rows and indexes", h.loaded), took("VACUUM ANALYZE after it", h.vacuumed)}, nil
}

// hugePages asks for the same in a database of ordinary size and in the largest one.
func (b *bench) hugePages(ctx context.Context) ([]contestant, error) {
	var cs []contestant
	for _, n := range []int{b.files, b.tenMillion} {
		h, err := b.homeOf(ctx, n)
		if err != nil {
			return nil, err
		}
		servers, err := b.shared(ctx, h, 1)
		if err != nil {
			return nil, err
		}
		s, of, half := servers[0], ", "+people(n), len(h.ids)/2
		cs = append(cs,
			b.latency(firstPage+of, s, s.pageFrom("")),
			b.latency(middlePage+of, s, s.pageFrom(h.ids[half])),
			b.latency(sameFilter+of, s, s.filter(rareFilter)),
			b.latencies("page from anywhere"+of, s, jumping(half, func(i int) *request { return s.pageFrom(h.ids[2*i]) })),
			b.latencies("any filter"+of, s, jumping(groups(n), func(i int) *request { return s.filter(fmt.Sprintf(`{"group":"g%d"}`, i)) })),
			b.latencies("any file by id"+of, s, jumping(half, func(i int) *request { return s.get("/files/" + h.ids[2*i+1]) })))
	}
	return cs, nil
}

// jumping gives one of n requests after the other, in an order that jumps about, until all had their turn.
func jumping(n int, nth func(i int) *request) func() *request {
	const stride = 7919 // prime
	i := 0
	return func() *request {
		i = (i + stride) % n
		return nth(i)
	}
}
