package pdf

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

const (
	maxCrashes = 3    // pages that may break PDFium until the document counts as broken
	maxMissing = 1000 // pages in a row that cannot be loaded until the rest counts as not being there
	maxRanges  = 20   // ranges of lost pages that are named
	minStretch = 16   // pages that are read at least before an instance is replaced for its size
)

// Extract gives the pages of a PDF. Pages that cannot be read are empty, and Properties names them; it is an error if no page can be read.
func (f *Format) Extract(ctx context.Context, in extract.Input, out extract.Output) (satchel.Document, error) {
	e, err := f.start(ctx)
	if err != nil {
		return satchel.Document{}, err
	}
	r := &reader{engine: e, in: in, out: out}
	if err := r.reopen(ctx); err != nil {
		return satchel.Document{}, err
	}
	defer r.close()
	return r.all(ctx)
}

// reader reads one PDF, if need be with several instances, one after the other.
type reader struct {
	engine  *engine
	in      extract.Input
	out     extract.Output
	doc     *document // nil: none is open
	crashes int
	pending int    // pages that could not be read, since the last that could, and that out does not have yet
	good    int    // pages that were read
	lost    ranges // the numbers of those that could not be
}

// reopen opens the document in a new instance.
func (r *reader) reopen(ctx context.Context) (err error) {
	r.close()
	r.doc, err = openDocument(ctx, r.engine, r.in)
	return err
}

func (r *reader) close() {
	if r.doc != nil {
		r.doc.close()
		r.doc = nil
	}
}

func (r *reader) all(ctx context.Context) (satchel.Document, error) {
	about, err := r.doc.about()
	if err != nil {
		return about, complaint(err)
	}
	count := r.doc.pages
	if err := r.out.Expect(count); err != nil {
		return about, err
	}
	for i := 0; i < count && r.pending < maxMissing; i++ {
		if err := r.next(ctx, i); err != nil {
			return about, err
		}
	}
	err = r.finish(count, &about)
	return about, err
}

// next reads page i and hands it on.
func (r *reader) next(ctx context.Context, i int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	page, err := r.page(ctx, i)
	if errors.Is(err, errNoPage) {
		r.pending++
		r.lost.add(i+1, i+1)
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	r.good++
	return r.out.Page(page)
}

// page reads page i. If PDFium breaks down over it, it is read once more in a new instance: other pages can be to blame, for what they left
// in memory.
func (r *reader) page(ctx context.Context, i int) (extract.Page, error) {
	if err := r.slim(ctx); err != nil {
		return extract.Page{}, err
	}
	first := r.doc.read == 0
	page, err := r.doc.page(i)
	if r.doc.dead && !first {
		if err := r.reopen(ctx); err != nil {
			return extract.Page{}, err
		}
		page, err = r.doc.page(i)
	}
	if r.doc.dead {
		return extract.Page{}, r.giveUp(ctx, i, err)
	}
	if r.doc.read == 1 {
		r.doc.base = r.engine.room.size
	}
	return page, err
}

// slim replaces an instance that has grown much since its first page, which took what the document itself takes: what PDFium has read of a
// document it keeps.
func (r *reader) slim(ctx context.Context) error {
	if r.doc.read < minStretch || r.engine.room.size-r.doc.base < r.engine.room.limit/2 {
		return nil
	}
	return r.reopen(ctx)
}

// giveUp says what it means that page i broke two instances: the page is lost, or the document.
func (r *reader) giveUp(ctx context.Context, i int, err error) error {
	if errors.Is(err, errMemory) {
		return tooMuch(i, err)
	}
	r.crashes++
	if r.crashes > maxCrashes {
		return complaint(err)
	}
	if err := r.reopen(ctx); err != nil {
		return err
	}
	return errNoPage
}

func tooMuch(page int, err error) error {
	return &satchel.Error{
		Code: satchel.CodeDocumentTooComplex, Err: err,
		Message: fmt.Sprintf("page %d of this PDF needs more memory than a document may take; save it with fewer details, or split it", page+1),
	}
}

// flush hands on the empty pages that stand for those that could not be read.
func (r *reader) flush() error {
	for ; r.pending > 0; r.pending-- {
		if err := r.out.Page(extract.Page{}); err != nil {
			return err
		}
	}
	return nil
}

// finish ends the work on a document that says that it has count pages.
func (r *reader) finish(count int, about *satchel.Document) error {
	if r.good == 0 {
		return complaint(errNoPage)
	}
	if r.pending >= maxMissing {
		r.lost.add(r.lost[len(r.lost)-1][1], count)
		r.pending = 0
	}
	if len(r.lost) > 0 {
		about.Properties["unreadable_pages"] = r.lost.String()
	}
	return r.flush()
}

// ranges are numbers in rising order, as ranges of those that follow on one another: first and last.
type ranges [][2]int

// add adds the numbers from one to another, which come after those that are there.
func (r *ranges) add(from, to int) {
	if last := len(*r) - 1; last >= 0 && (*r)[last][1] >= from-1 {
		(*r)[last][1] = to
		return
	}
	*r = append(*r, [2]int{from, to})
}

// String gives them as people write them, such as "3, 7-9"; of many only the first.
func (r ranges) String() string {
	var text strings.Builder
	for i, each := range r {
		switch {
		case i == maxRanges:
			return text.String() + ", …"
		case i > 0:
			text.WriteString(", ")
		}
		text.WriteString(strconv.Itoa(each[0]))
		if each[1] > each[0] {
			text.WriteString("-" + strconv.Itoa(each[1]))
		}
	}
	return text.String()
}
