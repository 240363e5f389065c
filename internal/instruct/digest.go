package instruct

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
)

// A window in which a key has no value likes to give it another one, and small models compare lists of such values badly. So the last step of a long
// document reads once more, together, the places from which the windows took their values, as if they were the whole document.

const (
	digestAround = 300 // bytes before and behind a value that are shown with it
	digestHead   = 500 // bytes of the document's beginning
	digestGap    = "[…]"
)

// excerpt is a part of a page.
type excerpt struct {
	page  int // index in the text's pages
	start int64
	end   int64
}

// rereads reports whether the windows' values are to be compared in that way: there is a schema, which says what to look for, and more than one
// window has been read.
func (j *job) rereads() bool {
	return j.schema != nil && j.state.Window > 1 && slices.ContainsFunc(j.p.Found, candidate.copied)
}

// copied reports a value that was taken from a place in the text.
func (c candidate) copied() bool { return c.Evidence != nil && extractive(c.Value) }

// digest gives the places of all values that were copied, with as much around them as there is room for.
func (j *job) digest(ctx context.Context, room int) (*window, error) {
	for around := int64(digestAround); ; around /= 2 {
		w, err := j.digestWith(ctx, around)
		if err != nil || tokensOf(w.text()) <= room || around == 0 {
			return w, err
		}
	}
}

func (j *job) digestWith(ctx context.Context, around int64) (*window, error) {
	pages := j.task.Text.Pages()
	parts := []excerpt{{0, 0, min(digestHead, pages[0].Length)}}
	for _, c := range j.p.Found {
		if !c.copied() {
			continue
		}
		at, err := j.placeOf(ctx, c.Evidence)
		if err != nil {
			return nil, err
		}
		if at.end > 0 {
			parts = append(parts, excerpt{at.page, max(0, at.start-around), min(pages[at.page].Length, at.end+around)})
		}
	}
	w := &window{end: true}
	for _, part := range merged(parts) {
		text, err := readPart(ctx, j.task.Text, pages[part.page], part.start, part.end-part.start)
		if err != nil {
			return nil, err
		}
		w.passages = append(w.passages, newPassage(pages[part.page].Number, strings.TrimSpace(text)+"\n"+digestGap))
	}
	return w, nil
}

// placeOf finds the quote of an evidence in its page; nothing if it is not there.
func (j *job) placeOf(ctx context.Context, e *Evidence) (excerpt, error) {
	i := slices.IndexFunc(j.task.Text.Pages(), func(p satchel.TextPage) bool { return p.Number == e.Page })
	if i < 0 {
		return excerpt{}, nil
	}
	page := j.task.Text.Pages()[i]
	for offset := int64(0); offset < page.Length; offset += searchStretch {
		start := max(0, offset-searchOverlap)
		text, err := j.task.Text.Read(ctx, page.Offset+start, min(page.Length, offset+searchStretch)-start)
		if err != nil {
			return excerpt{}, err
		}
		if at := strings.Index(text, e.Quote); at >= 0 {
			return excerpt{i, start + int64(at), start + int64(at+len(e.Quote))}, nil
		}
	}
	return excerpt{}, nil
}

// merged puts excerpts in order, and those that touch together.
func merged(parts []excerpt) []excerpt {
	slices.SortFunc(parts, func(a, b excerpt) int { return cmp.Or(cmp.Compare(a.page, b.page), cmp.Compare(a.start, b.start)) })
	var all []excerpt
	for _, part := range parts {
		if last := len(all) - 1; last >= 0 && all[last].page == part.page && part.start <= all[last].end {
			all[last].end = max(all[last].end, part.end)
			continue
		}
		all = append(all, part)
	}
	return all
}

// reread has the model read the digest, and keeps of what the windows copied only what it still gives. Whatever it answers, the step is over.
func (j *job) reread(ctx context.Context) error {
	prompt := func(w *window) string {
		text := ""
		if w != nil {
			text = documentPart(w.text())
		}
		return text + digestText + j.wishes(licence{})
	}
	room := j.limits.Context - j.answerTokens(true) - tokensOf(systemText+prompt(nil)) - overhead
	w, err := j.digest(ctx, room)
	if err != nil {
		return err
	}
	if tokensOf(w.text()) > room {
		return j.choosing(ctx)
	}
	response, err := j.send(ctx, request{prompt: prompt(w), schema: answerSchema(j.schema, licence{}, false, false)})
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, errLimit):
		return j.choosing(ctx)
	case err != nil:
		return err
	}
	a, fault := readResponse(response, true)
	if fault == nil {
		j.confirm(j.wants(&a, w).Set, w)
	}
	return j.choosing(ctx)
}

// confirm takes what the digest gave in the place of what the windows copied. A key for which it gives nothing is not in the document.
func (j *job) confirm(set map[string]any, w *window) {
	given := map[string]candidate{}
	leavesIn(set, nil, func(path []string, value any) {
		given[satchel.PathText(path)] = candidate{Path: path, Value: value, Evidence: j.evidence(w, path, value), Windows: 1}
	})
	if len(given) == 0 {
		return // no answer at all
	}
	var kept []candidate
	for _, c := range j.p.Found {
		key := satchel.PathText(c.Path)
		again, ok := given[key]
		switch {
		case !c.copied():
			kept = append(kept, c)
		case !ok:
			j.p.leave(key, c.Value, "is not what the document says of it, read as a whole")
		case again.Path == nil: // it has its place already
		case again.Evidence == nil:
			kept = append(kept, c)
		default:
			kept = append(kept, again)
			given[key] = candidate{}
		}
	}
	j.p.Found, j.p.size = kept, 0
}
