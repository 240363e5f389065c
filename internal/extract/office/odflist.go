package office

import (
	"strings"
)

// odfLevel is how one level of a list counts and shows its numbers.
type odfLevel struct {
	dotted         bool   // it has no numbers but bullets, or nothing is said of it
	format         string // such as "1" or "a"; empty: no number
	prefix, suffix string
	start          int
	shown          int // how many levels are shown, this one last
}

// odfList is a list style.
type odfList struct {
	levels [numLevels]odfLevel
	run    *odfRun // the last list with this style, for one that goes on with it
}

// odfRun is one list with its numbers so far.
type odfRun struct {
	style  *odfList
	counts [numLevels]int
	begun  [numLevels]bool
}

func (o *odf) loadList(e element) error {
	const cost = 1024
	list, name := newODFList(), e.attr("style:name")
	o.lists[name] = list
	if err := o.keep(cost + len(name)); err != nil {
		return err
	}
	return list.read(e)
}

func newODFList() *odfList {
	l := &odfList{}
	for i := range l.levels {
		l.levels[i].dotted = true
	}
	return l
}

func (l *odfList) read(e element) error {
	return e.walk(func(e element) error {
		at := count(e.attr("text:level")) - 1
		if at < 0 || at >= numLevels {
			return nil
		}
		const most = 64 // bytes of a prefix or suffix
		level := &l.levels[at]
		switch e.name {
		case "text:list-level-style-number", "text:outline-level-style":
			prefix, suffix := tidy(e.attr("style:num-prefix")), tidy(e.attr("style:num-suffix"))
			*level = odfLevel{
				format: e.attr("style:num-format"), prefix: prefix[:min(len(prefix), most)], suffix: suffix[:min(len(suffix), most)],
				start: 1, shown: max(count(e.attr("text:display-levels")), 1),
			}
			if start := e.attr("text:start-value"); start != "" {
				level.start = count(start)
			}
		}
		return nil
	})
}

// next counts one more item at a level, from 0, and gives what stands before it. A start that is not below 0 is its number.
func (r *odfRun) next(at, start int) string {
	if r == nil || r.style == nil {
		return bullet
	}
	at = min(max(at, 0), numLevels-1)
	for above := range at {
		r.begin(above, -1)
	}
	if r.begun[at] && start < 0 {
		r.counts[at]++
	}
	r.begin(at, start)
	clear(r.begun[at+1:])
	return r.label(at)
}

func (r *odfRun) begin(at, start int) {
	switch {
	case start >= 0:
		r.counts[at] = start
	case !r.begun[at]:
		r.counts[at] = r.style.levels[at].start
	}
	r.begun[at] = true
}

func (r *odfRun) label(at int) string {
	level := r.style.levels[at]
	if level.dotted {
		return bullet
	}
	if level.format == "" {
		return strings.TrimSpace(level.prefix + level.suffix)
	}
	var numbers []string
	for i := max(at-level.shown+1, 0); i <= at; i++ {
		if text := number(r.style.levels[i].format, r.counts[i]); text != "" {
			numbers = append(numbers, text)
		}
	}
	return strings.TrimSpace(level.prefix + strings.Join(numbers, ".") + level.suffix)
}
