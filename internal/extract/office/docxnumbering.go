package office

import (
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
)

const numLevels = 9 // of a list

// numRef says which list a paragraph belongs to, and at which level.
type numRef struct {
	id      string
	level   int
	leveled bool // the level was said
}

func (r *numRef) read(e element) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "w:numId":
			r.id = e.attr("w:val")
		case "w:ilvl":
			if level, err := strconv.Atoi(e.attr("w:val")); err == nil {
				r.level, r.leveled = min(max(level, 0), numLevels-1), true
			}
		}
		return nil
	})
}

// numLevel is how one level of a list counts and shows its numbers.
type numLevel struct {
	start  int
	format string // such as "decimal"
	text   string // such as "%1.%2."
	legal  bool   // all numbers are shown as decimal ones
	style  string // the paragraph style that has this level
	keep   bool   // it goes on counting when a level above it did
}

// numList is a list's definition with its numbers so far. Lists that share it go on with each other's numbers.
type numList struct {
	levels [numLevels]numLevel
	counts [numLevels]int
	begun  [numLevels]bool
	link   string // the numbering style whose list this is
}

// numInstance is one use of a list. It can start anew.
type numInstance struct {
	list    *numList
	restart [numLevels]int // first numbers, plus one; 0: not said, or done
}

// numbering is what a document says about its lists.
type numbering struct {
	lists     map[string]*numList
	instances map[string]*numInstance
}

func newNumbering() *numbering {
	return &numbering{lists: map[string]*numList{}, instances: map[string]*numInstance{}}
}

func (d *docx) loadNumbering(rels relations, _ *satchel.Document) error {
	name := rels.target("numbering")
	if name == "" {
		return nil
	}
	const cost = 512
	err := d.walk(name, "w:numbering", func(e element) error {
		switch e.name {
		case "w:abstractNum":
			list := &numList{}
			d.numbering.lists[e.attr("w:abstractNumId")] = list
			if err := e.walk(list.read); err != nil {
				return err
			}
			return d.keep(cost)
		case "w:num":
			instance := &numInstance{}
			d.numbering.instances[e.attr("w:numId")] = instance
			if err := e.walk(func(e element) error { return instance.read(e, d.numbering.lists) }); err != nil {
				return err
			}
			return d.keep(cost)
		}
		return nil
	})
	d.linkLists()
	return err
}

// linkLists gives lists that only name a style the list of that style.
func (d *docx) linkLists() {
	for _, i := range d.numbering.instances {
		if i.list == nil || i.list.link == "" {
			continue
		}
		if s := d.styles[i.list.link]; s != nil && d.numbering.instances[s.num.id] != nil {
			i.list = d.numbering.instances[s.num.id].list
		}
	}
}

func (l *numList) read(e element) error {
	at, ok := levelAttr(e)
	switch {
	case e.name == "w:numStyleLink":
		l.link = e.attr("w:val")
	case e.name == "w:lvl" && ok:
		return l.levels[at].define(e)
	}
	return nil
}

// define reads a level from its beginning.
func (l *numLevel) define(e element) error {
	*l = numLevel{format: "decimal"}
	return e.walk(l.read)
}

func levelAttr(e element) (int, bool) {
	at, err := strconv.Atoi(e.attr("w:ilvl"))
	return at, err == nil && at >= 0 && at < numLevels
}

func (l *numLevel) read(e element) error {
	const most = 128 // bytes of a number's text
	value := e.attr("w:val")
	switch e.name {
	case "w:start":
		l.start = count(value)
	case "w:numFmt":
		l.format = value
	case "w:lvlText":
		l.text = tidy(value[:min(len(value), most)])
	case "w:isLgl":
		l.legal = on(e)
	case "w:pStyle":
		l.style = value
	case "w:lvlRestart":
		l.keep = value == "0"
	}
	return nil
}

// count reads a number that counts something, between 0 and a million.
func count(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return min(max(n, 0), 1_000_000)
}

func (i *numInstance) read(e element, lists map[string]*numList) error {
	switch e.name {
	case "w:abstractNumId":
		i.list = lists[e.attr("w:val")]
	case "w:lvlOverride":
		at, ok := levelAttr(e)
		if !ok {
			return nil
		}
		return e.walk(func(e element) error { return i.override(at, e) })
	}
	return nil
}

// override changes a level for this use: its first number, or all of it.
func (i *numInstance) override(at int, e element) error {
	switch e.name {
	case "w:startOverride":
		i.restart[at] = count(e.attr("w:val")) + 1
	case "w:lvl":
		if i.list == nil {
			return nil
		}
		own := *i.list
		i.list = &own
		return i.list.levels[at].define(e)
	}
	return nil
}

// levelOf gives the level of a list that belongs to a paragraph style.
func (n *numbering) levelOf(id, style string) int {
	if i := n.instances[id]; i != nil && i.list != nil {
		for at := range i.list.levels {
			if i.list.levels[at].style == style {
				return at
			}
		}
	}
	return 0
}

// label counts one more paragraph of a list, and gives what stands before it.
func (n *numbering) label(ref numRef) string {
	i := n.instances[ref.id]
	if i == nil || i.list == nil {
		return ""
	}
	if first := i.restart[ref.level]; first > 0 {
		i.list.levels[ref.level].start, i.list.begun[ref.level] = first-1, false
		i.restart[ref.level] = 0
	}
	i.list.next(ref.level)
	return i.list.label(ref.level)
}

func (l *numList) next(at int) {
	for above := range at {
		if !l.begun[above] {
			l.begun[above], l.counts[above] = true, l.levels[above].start
		}
	}
	if l.begun[at] {
		l.counts[at]++
	} else {
		l.begun[at], l.counts[at] = true, l.levels[at].start
	}
	for below := at + 1; below < numLevels; below++ {
		if !l.levels[below].keep {
			l.begun[below] = false
		}
	}
}

func (l *numList) label(at int) string {
	level := &l.levels[at]
	if level.format == "bullet" {
		return bullet
	}
	var b strings.Builder
	text := level.text
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) || text[i+1] < '1' || text[i+1] > '9' {
			b.WriteByte(text[i])
			continue
		}
		i++
		shown := int(text[i] - '1')
		format := l.levels[shown].format
		if level.legal && format != "none" {
			format = "decimal"
		}
		b.WriteString(number(format, l.counts[shown]))
	}
	return strings.TrimSpace(b.String())
}
