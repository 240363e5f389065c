package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
)

// slice reads the parameters limit and after. One item more than the client wants is asked for, to know whether there is one.
func (c *call) slice() satchel.Slice {
	return satchel.Slice{After: c.text("after"), Limit: c.integer("limit", 1, maxList, 100) + 1}
}

// sliceParams document them.
func sliceParams() []*huma.Param { return partParams("Start behind this id", textSchema()) }

// listed takes off the one item too many, and gives the rest as the API shows it, with what a list says of its ids.
func listed[T, B any](items []T, asked satchel.Slice, id func(*T) string, body func(*T) *B) (data []*B, first, last *string, more bool) {
	if more = len(items) == asked.Limit; more {
		items = items[:len(items)-1]
	}
	data = make([]*B, 0, len(items))
	for i := range items {
		data = append(data, body(&items[i]))
	}
	if len(items) > 0 {
		from, to := id(&items[0]), id(&items[len(items)-1])
		first, last = &from, &to
	}
	return data, first, last, more
}
