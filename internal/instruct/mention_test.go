package instruct

import (
	"slices"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
)

func metadata(t testing.TB, object string) satchel.Metadata {
	t.Helper()
	m, err := satchel.ParseMetadata([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const usual = `{"author":"Hegel","title":"Logic","tags":["a"],"year":1812,"draft":true,"invoice_number":"7","invoice_date":"2026-01-01","due_date":"2026-02-01",
	"customer":{"name":"Northwind","phone":"1"},"name":"x","internalNote":"n"}`

func TestLicence(t *testing.T) {
	all := "author customer customer.name customer.phone draft due_date internalNote invoice_date invoice_number name tags title year"
	for _, c := range []struct {
		instruction, remove, rename string
	}{
		{"remove the author", "author", ""},
		{"Delete AUTHOR and 'draft'!", "author draft", ""},
		{"drop the invoice number", "invoice_number", ""},
		{"drop invoiceNumber", "invoice_number", ""},
		{"remove the internal note", "internalNote", ""},
		{"remove customer.phone", "customer customer.phone", ""},
		{"remove the phone", "customer.phone", ""},
		{"remove the name", "name", ""},
		{"remove all tags", "tags", ""},
		{"remove all dates", "due_date invoice_date", ""},
		{"rename author to writer", "", "author"},
		{"change the key author to writer", "", "author"},
		{"change the author to Kant", "", ""},
		{"set reviewed to true", "", ""},
		{"set the author to Kant", "", ""},
		{"Extract the author and the title", "", ""},
		{"remove everything", all, ""},
		{"delete all keys", all, ""},
		{"clear the metadata", all, ""},
		{"remove everything except title and year", without(all, "title", "year"), ""},
		{"keep only the title", without(all, "title"), ""},
		{"keep the title, delete the rest", without(all, "title"), ""},
		{"delete everything but the customer", without(all, "customer", "customer.name", "customer.phone"), ""},
		{"remove the draft but keep the author", "draft", ""},
		{"keep the author and remove the draft", "draft", ""},
		{"remove the author, but keep the author", "", ""},
		{"rename all keys to camelCase", "", all},
		{"Lösche den Autor", "author", ""}, //nolint:misspell // another language
		{"Entferne alles außer dem Titel", without(all, "title"), ""},
		{"Benenne author in verfasser um", "", "author"},
		{"author in verfasser umbenennen", "", "author"},
		{"Supprime l'auteur", "author", ""},
		{"Elimina el autor y el año", "author year", ""}, //nolint:misspell // another language
		{"Rimuovi tutti i campi", all, ""},
		{"Удали автора", "author", ""},
		{"Izdzēs autoru", "author", ""},
		{"Pārsauc author par writer", "", "author"},
		{"删除author", "author", ""},
		{"Replace author by first_name and last_name", "author", ""},
		{"Translate the title and keep the old one as title_de", "", ""},
		{"forget nothing", "", ""},
		{"poista author", "author", ""},
		{"", "", ""},
	} {
		l := licenceOf(Update, c.instruction, metadata(t, usual))
		if got := joined(l.remove); got != c.remove {
			t.Errorf("%q may remove %q, want %q", c.instruction, got, c.remove)
		}
		if got := joined(l.rename); got != c.rename {
			t.Errorf("%q may rename %q, want %q", c.instruction, got, c.rename)
		}
	}
}

// without takes names out of a list.
func without(all string, names ...string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(all), func(s string) bool { return slices.Contains(names, s) }), " ")
}

func joined(paths [][]string) string {
	var all []string
	for _, path := range paths {
		all = append(all, satchel.PathText(path))
	}
	return strings.Join(all, " ")
}

func TestLicenceInUnknownLanguagesRestsOnTheName(t *testing.T) {
	l := licenceOf(Update, "author kaldır", metadata(t, usual))
	if joined(l.remove) != "author" || joined(l.rename) != "author" {
		t.Errorf("remove %v, rename %v", l.remove, l.rename)
	}
	if l := licenceOf(Process, "author, title", metadata(t, usual)); !l.empty() {
		t.Errorf("a list of what to find may remove %v", l.remove)
	}
}

func TestPhraseOf(t *testing.T) {
	p := phraseOf("set first_name, lastName - and e-mail of line2 删除x")
	var glued []string
	for i, w := range p.words {
		if p.glued[i] {
			w = "+" + w
		}
		glued = append(glued, w)
	}
	if got := strings.Join(glued, " "); got != "set first +name last +name and e +mail of line +2 删 除 x" {
		t.Errorf("%q", got)
	}
}

func TestSameWord(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"author", "authors", true}, {"tag", "tags", true}, {"category", "categories", true}, {"autors", "autoru", true}, {"author", "autor", true}, //nolint:misspell // another language
		{"date", "data", false}, {"form", "from", false}, {"name", "note", false}, {"author", "writer", false}, {"line1", "line2", false},
		{"page1", "page", false}, {"no", "note", false},
	} {
		if got := sameWord(c.a, c.b); got != c.want || sameWord(c.b, c.a) != c.want {
			t.Errorf("sameWord(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

func TestWordsOf(t *testing.T) {
	for in, want := range map[string]string{
		"invoice_number": "invoice number", "invoiceNumber": "invoice number", "customer.phone-2": "customer phone 2", "Lösche 'den' Autor!": "losche den autor", //nolint:misspell // another language
		"删除author": "删 除 author", "ISBN": "isbn", "": "",
	} {
		if got := strings.Join(wordsOf(in), " "); got != want {
			t.Errorf("wordsOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLicence(f *testing.F) {
	f.Add("remove everything except title", `{"title":1,"a":{"b":2}}`)
	f.Add("rename all keys 删除", `{"删":1}`)
	f.Fuzz(func(t *testing.T, instruction, object string) {
		m, err := satchel.ParseMetadata([]byte(object))
		if err != nil {
			return
		}
		l := licenceOf(Update, instruction, m)
		for _, path := range append(l.remove, l.rename...) {
			if _, ok := satchel.Lookup(m.Object(), path); !ok {
				t.Fatalf("%q is in no metadata %s", path, object)
			}
		}
	})
}
