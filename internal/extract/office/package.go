package office

import (
	"cmp"
	"errors"
	"path"
	"strings"

	"github.com/satchel-files/satchel"
)

// relation leads from one part of an Office Open XML package to another.
type relation struct {
	id     string
	kind   string // the last word of its type, such as "slide"
	target string // the part's name; empty for what is outside of the package
	url    string // of what is outside
}

// relations are those of one part, in their order.
type relations []relation

// byID gives the target of a relation, or "".
func (rs relations) byID(id string) string {
	for _, r := range rs {
		if r.id == id {
			return r.target
		}
	}
	return ""
}

// addresses gives the addresses outside of the package, by the ids of their relations.
func (rs relations) addresses() map[string]string {
	found := map[string]string{}
	for _, r := range rs {
		if r.url != "" {
			found[r.id] = r.url
		}
	}
	return found
}

// targets gives the targets of all relations of a kind.
func (rs relations) targets(kind string) (names []string) {
	for _, r := range rs {
		if r.kind == kind && r.target != "" {
			names = append(names, r.target)
		}
	}
	return names
}

// target gives the target of the first relation of a kind, or "".
func (rs relations) target(kind string) string {
	for _, name := range rs.targets(kind) {
		return name
	}
	return ""
}

// relations reads where a part leads to; the name "" is the package itself.
func (a *archive) relations(name string) (relations, error) {
	dir, base := path.Split(name)
	list := path.Join(dir, "_rels", base+".rels")
	var found relations
	err := a.walk(list, "rel:Relationships", func(e element) error {
		r := relation{id: e.attr("Id"), kind: path.Base(e.attr("Type"))}
		if target := e.attr("Target"); strings.EqualFold(e.attr("TargetMode"), "External") {
			r.url = target
		} else {
			r.target = resolve(dir, target)
		}
		found = append(found, r)
		return a.keep(len(r.id) + len(r.target) + len(r.url) + cellCost)
	})
	if errors.Is(err, errNoPart) {
		return nil, nil
	}
	return found, err
}

// resolve gives the name of the part that target means, seen from the folder dir.
func resolve(dir, target string) string {
	if strings.HasPrefix(target, "/") {
		dir = ""
	}
	return strings.TrimPrefix(path.Join("/", dir, target), "/")
}

// office opens a package: the name of its main part, and what the package says of itself.
func (a *archive) office(doc *satchel.Document) (main string, err error) {
	top, err := a.relations("")
	if err != nil {
		return "", err
	}
	main = top.target("officeDocument")
	if main == "" || !a.has(main) {
		return "", broken("it has no main part", nil)
	}
	return main, a.describe(top, doc)
}

// describe reads what a package says of itself. It can be read without that.
func (a *archive) describe(top relations, doc *satchel.Document) error {
	if name := top.target("core-properties"); a.has(name) {
		if err := optional(a.coreProperties(name, doc)); err != nil {
			return err
		}
	}
	name := cmp.Or(top.target("extended-properties"), top.target("extendedProperties"))
	if !a.has(name) {
		return nil
	}
	return optional(a.extendedProperties(name, doc))
}
